"""How good a dataset is, and how it is divided. Knows no Django."""

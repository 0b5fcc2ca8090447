"""Two versions in service at once: how many customers that takes, and when it may end. Knows no Django."""

"""What people approved: how a question finds its answer. Knows no Django."""

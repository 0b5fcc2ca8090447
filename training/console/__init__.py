"""Training, in the staff console."""

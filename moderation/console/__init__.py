"""Pages of moderation in the staff console."""

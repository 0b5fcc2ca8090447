"""People of the staff: what their roles let them do, where they work, and how they sign in."""

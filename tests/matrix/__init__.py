"""Who may do what, cell by cell: every address and every request of a socket, for everybody."""

"""What came of the conversations: figures from rows that exist anyway, counted nowhere beside them."""

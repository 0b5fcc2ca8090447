"""What was deleted leaves the database's own files, too, as far as that is in our hands."""

from django.db import connection


def scrub() -> None:
    """Empty SQLite's write-ahead log, which holds pages as they were. Call it outside transactions.

    The pages themselves were overwritten when their rows were deleted (``secure_delete``, see
    the settings). PostgreSQL does the like by itself, with autovacuum.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        # Somebody who reads at this moment leaves it for the next time.
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.fetchall()

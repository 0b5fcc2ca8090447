"""People and roles in the staff console."""

from csbot.accounts import console  # noqa: F401

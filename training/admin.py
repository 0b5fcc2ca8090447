"""The pages of training in the staff console."""

from training.console import evaluations  # noqa: F401

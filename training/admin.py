"""The pages of training in the staff console."""

from training.console import datasets, evaluations, examples, versions  # noqa: F401

"""The pages of training in the staff console."""

from training.console import (  # noqa: F401
    corrections,
    datasets,
    evaluations,
    examples,
    models,
    runs,
    versions,
)

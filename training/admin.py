"""The pages of training in the staff console."""

from training.console import (  # noqa: F401
    attention,
    corrections,
    datasets,
    evaluations,
    examples,
    experiments,
    gates,
    increment_policy,
    increments,
    models,
    privacy,
    review,
    runs,
    shadow,
    versions,
)

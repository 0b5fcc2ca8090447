from training.models.corrections import Correction
from training.models.datasets import (
    Dataset,
    DatasetVersion,
    Example,
    FrozenExample,
    Scenario,
    Split,
)
from training.models.registry import EvaluatedAnswer, Evaluation, ModelVersion
from training.models.runs import RunEvent, RunMetric, TrainingRun

__all__ = [
    "Correction",
    "Dataset",
    "DatasetVersion",
    "EvaluatedAnswer",
    "Evaluation",
    "Example",
    "FrozenExample",
    "ModelVersion",
    "RunEvent",
    "RunMetric",
    "Scenario",
    "Split",
    "TrainingRun",
]

from training.models.corrections import Correction
from training.models.datasets import (
    Dataset,
    DatasetVersion,
    Example,
    FrozenExample,
    Scenario,
    Split,
)
from training.models.erasures import Erasure
from training.models.experiments import Experiment
from training.models.grants import DatasetGrant, DatasetGroupGrant
from training.models.increments import Increment, IncrementPolicy
from training.models.promotion import GatePolicy, ModelAlias, OverrideRequest, Promotion
from training.models.registry import EvaluatedAnswer, Evaluation, ModelVersion
from training.models.review import ReviewDecision, ReviewItem
from training.models.runs import RunEvent, RunMetric, TrainingRun
from training.models.shadows import ShadowVote, VotedCase

__all__ = [
    "Correction",
    "Dataset",
    "DatasetGrant",
    "DatasetGroupGrant",
    "DatasetVersion",
    "Erasure",
    "EvaluatedAnswer",
    "Evaluation",
    "Example",
    "Experiment",
    "FrozenExample",
    "GatePolicy",
    "Increment",
    "IncrementPolicy",
    "ModelAlias",
    "ModelVersion",
    "OverrideRequest",
    "Promotion",
    "ReviewDecision",
    "ReviewItem",
    "RunEvent",
    "RunMetric",
    "Scenario",
    "ShadowVote",
    "Split",
    "TrainingRun",
    "VotedCase",
]

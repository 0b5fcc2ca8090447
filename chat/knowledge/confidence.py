"""How likely an answer of the model is right, from what is known when it is written."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from chat.knowledge.matching import OPPOSED, Match

FEATURES = 6


@dataclass(frozen=True, slots=True)
class Evidence:
    """Cosine (``score``), ``rank`` and ``margin`` of the nearest approved answer, 0 without
    one; ``logprobs`` are the natural log-probabilities of the answer's tokens, empty where the engine
    knows none. ``is_opposed``: the nearest approved question differs in a word that counts."""

    score: float
    rank: float
    margin: float
    logprobs: tuple[float, ...] = ()
    is_opposed: bool = False

    @classmethod
    def of(cls, match: Match, logprobs: Sequence[float]) -> Self:
        """What is known when a model has answered a question with this match."""
        opposed = match.objection in OPPOSED
        return cls(match.score, match.rank, match.margin, tuple(logprobs), opposed)

    def features(self) -> tuple[float, ...]:
        """Score, rank, margin, mean and lowest log-probability (-10 at the least), opposition."""
        known = [max(-10.0, each) for each in self.logprobs]
        mean = sum(known) / len(known) if known else 0.0
        lowest = min(known, default=0.0)
        return self.score, self.rank, self.margin, mean, lowest, float(self.is_opposed)


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic regression over :meth:`Evidence.features`."""

    intercept: float
    weights: tuple[float, ...]


# Without a calibration: near and clear is likely right, the opposite of what was asked is not.
# `manage.py calibrate_confidence` does better.
DEFAULT_WEIGHTS = Weights(intercept=-10.0, weights=(9.0, 1.2, 4.0, 0.5, 0.05, -4.0))


def confidence(evidence: Evidence, weights: Weights = DEFAULT_WEIGHTS) -> float:
    """Between 0 and 1."""
    features = evidence.features()
    total = weights.intercept + sum(
        weight * value for weight, value in zip(weights.weights, features, strict=True)
    )
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))


def constant(is_right: Sequence[bool]) -> Weights:
    """The share of right answers for every one, whatever the evidence (Laplace's rule)."""
    share = (sum(is_right) + 1) / (len(is_right) + 2)
    return Weights(math.log(share / (1 - share)), (0.0,) * FEATURES)


def fit(evidence: Sequence[Evidence], is_right: Sequence[bool]) -> Weights:
    """Weights from answers that somebody judged.

    When all were right, or all wrong, nothing tells them apart: all get the same confidence.
    """
    if len(set(is_right)) < 2:
        return constant(is_right)
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0))
    model.fit([each.features() for each in evidence], list(is_right))
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    intercept = float(regression.intercept_[0] - (weights * scaler.mean_).sum())
    return Weights(intercept, tuple(float(each) for each in weights))

"""Thresholds from labelled pairs of questions: as many served as a limit of wrong ones allows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chat.knowledge.matching import Thresholds

NEVER = 2.0
"""A cosine that nothing reaches."""

# Chosen by `manage.py calibrate_matching` on the demo shop's knowledge: see docs/knowledge.md.
_DEFAULTS = {
    ("multilingual-e5-small-q4", "en"): Thresholds(direct=0.98, rank=0.8, margin=0.4, near=0.85),
    ("multilingual-e5-small-q4", "zh-hans"): Thresholds(
        direct=0.99, rank=1.0, margin=0.5, near=0.88
    ),
}
_UNKNOWN = Thresholds(direct=NEVER, rank=NEVER, margin=0.0, near=0.0)


def default_thresholds(embedder: str, locale: str) -> Thresholds:
    """Those that ship with csbot; with another embedder nothing is served directly until
    somebody calibrates it."""
    model = embedder.partition("/")[0]
    return _DEFAULTS.get((model, locale), _UNKNOWN)


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled question that its answer's other wordings were asked with: rank and margin
    of the best answer, whether the guards let it pass, and whether it was the right one."""

    rank: float
    margin: float
    agrees: bool
    is_right: bool


@dataclass(frozen=True, slots=True)
class Point:
    """What thresholds would do. ``precision``: share of the answers served that would be right;
    ``recall`` and ``false_hits``: shares of all questions that would be served their own answer,
    or another one."""

    rank: float
    margin: float
    precision: float
    recall: float
    false_hits: float


MARGINS = tuple(round(0.05 * step, 2) for step in range(13))


def curve(samples: Sequence[Sample], *, margin: float, steps: int = 60) -> list[Point]:
    """The points for ``steps`` ranks between the lowest and the highest."""
    if not samples:
        return []
    ranks = [each.rank for each in samples]
    grid = np.linspace(min(ranks), max(ranks), steps)
    return [_point(samples, float(rank), margin) for rank in grid]


def choose(samples: Sequence[Sample], *, false_hits: float) -> Point | None:
    """Rank and margin that serve the most, with at most ``false_hits`` of what is served wrong.

    None when none keeps to it.
    """
    grid = sorted({round(each.rank, 2) for each in samples})
    points = [_point(samples, rank, margin) for rank in grid for margin in MARGINS]
    allowed = [each for each in points if 1 - each.precision <= false_hits]
    # Of those that serve as much, the strictest.
    return max(allowed, key=lambda each: (each.recall, each.margin, each.rank), default=None)


def _point(samples: Sequence[Sample], rank: float, margin: float) -> Point:
    served = [e for e in samples if e.agrees and e.rank >= rank and e.margin >= margin]
    good = sum(each.is_right for each in served)
    bad = len(served) - good
    return Point(
        rank=rank,
        margin=margin,
        precision=good / len(served) if served else 1.0,
        recall=good / max(1, len(samples)),
        false_hits=bad / max(1, len(samples)),
    )

"""Models by what they learned from and how right it made them, in a square of 1000 by 1000.

As :mod:`training.console.curves`: the page stretches it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluation.learning_curve import FURTHER, NEXT, Gain, LearningCurve
from training.services.learning import Point

SIDE = 1000
MARKS = 4
STEPS = 40
"""Straight pieces of the curve."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One model, and where it stands."""

    point: Point
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Ahead:
    """What so many more examples would bring: in points of a hundred, and its interval as a line."""

    count: int
    gain: float
    low: float | None
    high: float | None
    x: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Chart:
    """``fitted`` is the curve to the newest model, ``expected`` goes on from there."""

    dots: tuple[Dot, ...]
    fitted: str
    expected: str
    ahead: tuple[Ahead, ...]
    up: tuple[str, ...]
    across: tuple[int, ...]


def chart(points: Sequence[Point], curve: LearningCurve) -> Chart:
    counts = [each.examples for each in points]
    now = max(counts, default=0)
    last = max(1, now + (FURTHER if curve.parameters else 0))
    floor = _floor([each.accuracy for each in points])

    def x(count: float) -> float:
        return SIDE * count / last

    def y(accuracy: float) -> float:
        return SIDE * (1 - min(1.0, max(0.0, (accuracy - floor) / (1 - floor))))

    def line(begin: int, end: int) -> str:
        found = []
        for step in range(STEPS + 1):
            count = begin + (end - begin) * step / STEPS
            accuracy = curve.at(count)
            if accuracy is not None:
                found.append(f"{x(count):.1f},{y(accuracy):.1f}")
        return " ".join(found)

    def ahead(count: int, gain: Gain | None) -> Ahead | None:
        here = curve.at(now)
        if gain is None or here is None:
            return None
        is_known = math.isfinite(gain.low)
        return Ahead(
            count,
            100 * gain.value,
            100 * gain.low if is_known else None,
            100 * gain.high if is_known else None,
            x(now + count),
            y(here + gain.high) if is_known else 0.0,
            y(here + gain.low) if is_known else SIDE,
        )

    wanted = (ahead(NEXT, curve.next_gain), ahead(FURTHER, curve.further_gain))
    return Chart(
        dots=tuple(Dot(each, x(each.examples), y(each.accuracy)) for each in points),
        fitted=line(min(filter(None, counts)), now) if curve.parameters else "",
        expected=line(now, last) if curve.parameters else "",
        ahead=tuple(each for each in wanted if each is not None),
        up=tuple(f"{100 * (1 - (1 - floor) * mark / MARKS):.0f} %" for mark in range(MARKS + 1)),
        across=tuple(round(last * mark / MARKS) for mark in range(MARKS + 1)),
    )


def _floor(accuracies: Sequence[float]) -> float:
    """The lower edge: a round fifth below everything, so that differences can be seen."""
    return max(0.0, math.floor((min(accuracies, default=0.0) - 0.05) * 5) / 5)

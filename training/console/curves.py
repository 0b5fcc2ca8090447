"""What a run measured as lines in a square of 1000 by 1000, which the page stretches.

``static/console/curve.js`` draws further points in the same way.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from training.events import PointData

SIDE = 1000
MARKS = 4
"""Lines across, above the lowest."""
SMOOTHING = 0.9
ROWS = 12


@dataclass(frozen=True, slots=True)
class Series:
    """One line. ``name`` is a field of the points, and for the style sheet."""

    name: str
    label: Any
    points: str
    is_smoothed: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """One drawing: its lines, and the numbers beside and below it."""

    name: str
    title: Any
    series: tuple[Series, ...]
    up: tuple[str, ...]
    across: tuple[int, ...]


CURVES = (
    ("loss", _("Loss"), {"loss": _("training"), "heldout_loss": _("held out")}),
    ("rate", _("Learning rate"), {"learning_rate": _("learning rate")}),
    ("speed", _("Tokens per second"), {"tokens_per_second": _("tokens per second")}),
)
SMOOTHED = {"loss"}


def curves(points: Sequence[PointData], total_steps: int) -> list[Curve]:
    """All drawings of a run; empty ones have axes and no lines."""
    last = max(total_steps, points[-1]["step"] if points else 0, 1)
    return [_curve(name, title, labels, points, last) for name, title, labels in CURVES]


def rows(points: Sequence[PointData]) -> list[PointData]:
    """A few of the points, for those who read numbers: the held-out ones, else evenly."""
    heldout = [each for each in points if each["heldout_loss"] is not None]
    wanted = heldout or points
    stride = max(1, -(-len(wanted) // ROWS))
    return list(reversed(wanted))[::stride]


def _curve(
    name: str, title: Any, labels: dict[str, Any], points: Sequence[PointData], last: int
) -> Curve:
    found = {field: list(_values(points, field)) for field in labels}
    top = _top(max((value for values in found.values() for _, value in values), default=0.0))
    series = tuple(
        Series(
            field,
            label,
            _line(_smoothed(found[field]) if field in SMOOTHED else found[field], last, top),
            is_smoothed=field in SMOOTHED,
        )
        for field, label in labels.items()
    )
    up = tuple(f"{top * mark / MARKS:.3g}" for mark in range(MARKS, -1, -1))
    across = tuple(round(last * mark / MARKS) for mark in range(MARKS + 1))
    return Curve(name, title, series, up, across)


def _values(points: Sequence[PointData], field: str) -> Iterator[tuple[int, float]]:
    for point in points:
        value = point[field]  # type: ignore[literal-required]  # the fields of CURVES
        if value is not None:
            yield point["step"], value


def _smoothed(values: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """A running mean that forgets, and does not begin at zero."""
    mean, smoothed = 0.0, []
    for place, (step, value) in enumerate(values, 1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * value
        smoothed.append((step, mean / (1 - SMOOTHING**place)))
    return smoothed


def _line(values: list[tuple[int, float]], last: int, top: float) -> str:
    return " ".join(
        f"{SIDE * step / last:.1f},{SIDE * (1 - min(1.0, value / top)):.1f}"
        for step, value in values
    )


def _top(highest: float) -> float:
    """The next round number: 1, 2, 4, 6 or 8 of some power of ten."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= highest * 0.999)

"""Columns over time and spans of seconds as numbers for SVGs: no script, and they print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import formats

from chat.analytics.figures import Percentiles
from chat.analytics.periods import Step
from chat.console.wording import duration

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 12, 28
MARKS = 4
_MOST_LABELS = 8
_WIDEST = 40


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One coloured part of a column. ``name`` is for the style sheet."""

    name: str
    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True, slots=True)
class Row:
    """The same as numbers."""

    label: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """A drawing of ``width`` by ``height``."""

    pieces: tuple[Piece, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    legend: tuple[tuple[str, Any], ...]
    rows: tuple[Row, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class Span:
    """Percentiles as parts of the longest one of a table, in percent, and as texts."""

    label: Any
    seconds: Percentiles
    p50: float
    p95: float
    p99: float
    texts: tuple[str, ...]


def stacked(
    counted: Sequence[tuple[datetime, Mapping[str, int]]], labels: Mapping[str, Any], step: Step
) -> Columns | None:
    """One column for each moment, its parts in the order of ``labels``; None without any."""
    highest = max((sum(values.get(name, 0) for name in labels) for _, values in counted), default=0)
    if not highest:
        return None
    top = _round(highest)
    room = (WIDTH - LEFT - RIGHT) / len(counted)
    width = round(min(_WIDEST, room * 0.8), 2)
    pieces: list[Piece] = []
    for place, (moment, values) in enumerate(counted):
        x, under = LEFT + room * (place + 0.5) - width / 2, 0
        for name, label in labels.items():
            if count := values.get(name, 0):
                y, foot = _up(under + count, top), _up(under, top)
                said = f"{_label(moment, step)}: {count} {label}"
                pieces.append(Piece(name, round(x, 2), y, width, round(foot - y, 2), said))
                under += count
    every = -(-len(counted) // _MOST_LABELS)
    return Columns(
        pieces=tuple(pieces),
        across=tuple(
            Tick(round(LEFT + room * (place + 0.5), 1), _label(moment, step))
            for place, (moment, _) in enumerate(counted)
            if place % every == 0
        ),
        up=tuple(
            Tick(_up(top * mark / MARKS, top), f"{top * mark // MARKS:,}")
            for mark in range(MARKS + 1)
        ),
        legend=tuple(labels.items()),
        rows=tuple(
            Row(_label(moment, step), tuple(values.get(name, 0) for name in labels))
            for moment, values in counted
        ),
    )


def spans(measured: Mapping[Any, Percentiles]) -> tuple[Span, ...]:
    """Those with figures, side by side on one scale."""
    found = {label: seconds for label, seconds in measured.items() if seconds.count}
    longest = max((each.p99 or 0.0 for each in found.values()), default=0.0) or 1.0
    return tuple(_span(label, seconds, longest) for label, seconds in found.items())


def _span(label: Any, seconds: Percentiles, longest: float) -> Span:
    measured = (seconds.p50, seconds.p95, seconds.p99)
    p50, p95, p99 = (round(100 * (each or 0.0) / longest, 2) for each in measured)
    return Span(label, seconds, p50, p95, p99, tuple(duration(each) for each in measured))


def _round(highest: int) -> int:
    """The next number that four marks divide evenly and that reads well."""
    power = 1
    while True:
        for step in (4, 8, 12, 20, 40):
            if step * power >= highest:
                return step * power
        power *= 10


def _up(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM), 2)


def _label(moment: datetime, step: Step) -> str:
    return formats.date_format(moment, "H:i" if step == Step.HOUR else "MONTH_DAY_FORMAT")

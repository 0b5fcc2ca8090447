"""Curves as numbers for an SVG in a template: no script, and they print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 16, 32
TICKS = 5


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """``name`` is for the style sheet, ``label`` for people."""

    name: str
    label: Any
    points: str


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    confidence: float
    right: float
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of ``WIDTH`` by ``HEIGHT``; y goes from 0 to 100 %."""

    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()
    chosen: Tick | None = None
    rows: tuple[Mapping[str, Any], ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def curves(
    points: Sequence[Mapping[str, float]], labels: Mapping[str, Any], *, chosen: float | None
) -> Chart | None:
    """A line for each of ``labels`` over the rank or threshold; None without points."""
    if not points:
        return None
    name = "rank" if "rank" in points[0] else "threshold"
    values = [each[name] for each in points]
    low, high = min(values), max(values)

    def across(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    lines = tuple(
        Line(
            key,
            label,
            " ".join(f"{across(each[name])},{_up(each[key])}" for each in points),
        )
        for key, label in labels.items()
        if key in points[0]
    )
    steps = (
        [low + (high - low) * step / TICKS for step in range(TICKS + 1)] if high > low else [low]
    )
    is_shown = chosen is not None and low <= chosen <= high
    return Chart(
        across=tuple(Tick(across(each), f"{each:.2f}") for each in steps),
        up=_percents(),
        lines=lines,
        chosen=Tick(across(chosen), f"{chosen:.2f}") if is_shown and chosen is not None else None,
        rows=tuple({"at": each[name], **each} for each in points),
    )


def bars(bins: Sequence[Mapping[str, float]]) -> Chart | None:
    """How often answers were right, by how sure csbot was; None without bins."""
    if not bins:
        return None
    step = (WIDTH - LEFT - RIGHT) / len(bins)
    drawn = tuple(
        Bar(
            x=round(LEFT + step * place + 2, 1),
            y=_up(each["right"]),
            width=round(step - 4, 1),
            height=round(HEIGHT - BOTTOM - _up(each["right"]), 1),
            confidence=each["confidence"],
            right=100 * each["right"],
            count=int(each["count"]),
        )
        for place, each in enumerate(bins)
    )
    ticks = tuple(
        Tick(round(LEFT + step * (place + 0.5), 1), f"{100 * each['confidence']:.0f} %")
        for place, each in enumerate(bins)
    )
    return Chart(across=ticks, up=_percents(), bars=drawn)


def _up(share: float) -> float:
    return round(HEIGHT - BOTTOM - max(0.0, min(1.0, share)) * (HEIGHT - TOP - BOTTOM), 1)


def _percents() -> tuple[Tick, ...]:
    return tuple(Tick(_up(step / 4), f"{25 * step} %") for step in range(5))

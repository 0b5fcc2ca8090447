"""The looks of an experiment and the lines they have to cross, in a square of 1000 by 1000.

As :mod:`training.console.curves`: the page stretches it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from training.experiments.planning import Plan
from training.experiments.verdicts import Arm, statistic

SIDE = 1000
TOP = 6.0
"""The z value at the upper edge; the lower one is its opposite. No boundary is further away."""
MARKS = 4


@dataclass(frozen=True, slots=True)
class Look:
    """``z`` is None until it is taken; ``x`` and ``y`` are where it stands then."""

    number: int
    size: int
    to_win: float
    to_stop: float
    arms: tuple[Arm, Arm] | None = None
    z: float | None = None
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Chart:
    """``win``, ``stop`` and ``found`` are lines; ``up`` and ``across`` the numbers at the edges."""

    looks: tuple[Look, ...]
    win: str
    stop: str
    found: str
    up: tuple[str, ...]
    across: tuple[int, ...]


def chart(plan: Plan, taken: tuple[tuple[Arm, Arm], ...]) -> Chart:
    looks = tuple(_look(plan, number, taken) for number in range(1, plan.looks + 1))
    return Chart(
        looks,
        win=_line((_x(plan, each.size), _y(each.to_win)) for each in looks),
        stop=_line((_x(plan, each.size), _y(each.to_stop)) for each in looks),
        found=_line([(0, _y(0)), *((each.x, each.y) for each in looks if each.z is not None)]),
        up=tuple(f"{TOP - 2 * TOP * mark / MARKS:.0f}" for mark in range(MARKS + 1)),
        across=(0, *(each.size for each in looks)),
    )


def _look(plan: Plan, number: int, taken: tuple[tuple[Arm, Arm], ...]) -> Look:
    size = plan.size_of(number)
    limits = plan.to_win[number - 1], -plan.to_stop[number - 1]
    if number > len(taken):
        return Look(number, size, *limits)
    arms = taken[number - 1]
    z = statistic(*arms)
    return Look(number, size, *limits, arms=arms, z=z, x=_x(plan, size), y=_y(z))


def _x(plan: Plan, size: int) -> float:
    return SIDE * size / plan.per_arm


def _y(z: float) -> float:
    return SIDE * (1 - (min(TOP, max(-TOP, z)) + TOP) / (2 * TOP))


def _line(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)

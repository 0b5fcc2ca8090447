"""Shares, percentiles and changes. Pure: knows no database and no language."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z_95 = 1.959964

Interval = tuple[float, float]


def wilson(right: int, total: int) -> Interval:
    """The 95 % score interval of a share (Wilson, 1927): sound near 0 and 1 and for few questions.

    Nothing is known of none: 0 to 1.
    """
    if total == 0:
        return 0.0, 1.0
    share = right / total
    spread = Z_95**2 / total
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that ``share`` of all do not exceed (nearest rank); None of none."""
    if not values:
        return None
    return _at(sorted(values), share)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many. Of none, ``percent`` is None: no share is not 0 %."""

    count: int = 0
    total: int = 0

    @property
    def percent(self) -> float | None:
        return 100 * self.count / self.total if self.total else None

    @property
    def interval(self) -> Interval:
        """In percent: where the share is with 95 % confidence."""
        low, high = wilson(self.count, self.total)
        return 100 * low, 100 * high


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of ``count`` values; None of none."""

    total: float = 0.0
    count: int = 0

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds that half, 95 % and 99 % did not exceed; None where nothing was measured."""

    count: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


def percentiles(values: Iterable[float]) -> Percentiles:
    ordered = sorted(values)
    if not ordered:
        return Percentiles()
    return Percentiles(len(ordered), _at(ordered, 0.5), _at(ordered, 0.95), _at(ordered, 0.99))


def change(now: float | None, before: float | None) -> float | None:
    """By how many percent it grew; None where there was nothing to grow from."""
    if now is None or not before:
        return None
    return 100 * (now - before) / before


def _at(ordered: Sequence[float], share: float) -> float:
    # Rounded first: 0.07 * 100 is a little more than 7.
    return ordered[max(0, math.ceil(round(share * len(ordered), 9)) - 1)]

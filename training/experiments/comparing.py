"""Both versions beside each other in one measure, with what is not known about it.

Every value is of one conversation, so that they are independent of each other. Intervals: Wilson's for
a share and Newcombe's for a difference of two, Student's for a mean and Welch's for a difference of two,
the bootstrap's percentiles for a percentile. Statistics are loaded when they are needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.experiments.verdicts import Arm

LEVEL = 0.95
RESAMPLES = 400
"""Enough for two figures, and done within the time that a page may take."""
MOST = 1_000
"""So many values of each version are drawn from, the newest ones."""
FEWEST = 5
"""Below this nothing is said of a mean or a percentile."""
SEED = 1
"""The same values always have the same interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """``value`` with its interval; all None of too few. ``count`` are the conversations behind it."""

    count: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``difference`` is challenger less champion."""

    champion: Estimate
    challenger: Estimate
    difference: Estimate


def shares(champion: Arm, challenger: Arm, *, level: float = LEVEL) -> Comparison:
    """``level`` is that of the difference; each share has its own at 95 %."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    count = min(champion.total, challenger.total)
    if champion.rate is None or challenger.rate is None:
        return Comparison(_share(champion), _share(challenger), Estimate(count))
    low, high = confint_proportions_2indep(
        challenger.good,
        challenger.total,
        champion.good,
        champion.total,
        method="newcomb",
        alpha=1 - level,
    )
    difference = Estimate(count, challenger.rate - champion.rate, float(low), float(high))
    return Comparison(_share(champion), _share(challenger), difference)


def means(champion: Sequence[float], challenger: Sequence[float]) -> Comparison:
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    sides = _mean(champion), _mean(challenger)
    count = min(len(champion), len(challenger))
    if count < FEWEST or _is_constant(champion) or _is_constant(challenger):
        return Comparison(*sides, Estimate(count))
    both = CompareMeans(DescrStatsW(challenger), DescrStatsW(champion))
    low, high = both.tconfint_diff(alpha=1 - LEVEL, usevar="unequal")
    difference = float(both.d1.mean - both.d2.mean)
    return Comparison(*sides, Estimate(count, difference, float(low), float(high)))


def percentiles(
    champion: Sequence[float], challenger: Sequence[float], percent: float
) -> Comparison:
    """The value that ``percent`` of all do not exceed, newest values last."""
    import numpy as np

    def statistic(values: Any, axis: int = -1) -> Any:
        return np.percentile(values, percent, axis=axis)

    def difference(one: Any, other: Any, axis: int = -1) -> Any:
        return statistic(other, axis) - statistic(one, axis)

    before, after = champion[-MOST:], challenger[-MOST:]
    return Comparison(
        _bootstrapped(statistic, before),
        _bootstrapped(statistic, after),
        _bootstrapped(difference, before, after),
    )


def _share(arm: Arm) -> Estimate:
    from statsmodels.stats.proportion import proportion_confint

    if arm.rate is None:
        return Estimate(0)
    low, high = proportion_confint(arm.good, arm.total, alpha=1 - LEVEL, method="wilson")
    return Estimate(arm.total, arm.rate, float(low), float(high))


def _mean(values: Sequence[float]) -> Estimate:
    from statsmodels.stats.weightstats import DescrStatsW

    if len(values) < FEWEST:
        return Estimate(len(values))
    found = DescrStatsW(values)
    low, high = (found.mean,) * 2 if _is_constant(values) else found.tconfint_mean(1 - LEVEL)
    return Estimate(len(values), float(found.mean), float(low), float(high))


def _bootstrapped(statistic: Any, *samples: Sequence[float]) -> Estimate:
    from scipy.stats import bootstrap

    count = min(map(len, samples))
    if count < FEWEST:
        return Estimate(count)
    found = bootstrap(
        samples,
        statistic,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        rng=SEED,
    ).confidence_interval
    return Estimate(count, float(statistic(*samples)), float(found.low), float(found.high))


def _is_constant(values: Sequence[float]) -> bool:
    return len(set(values)) <= 1

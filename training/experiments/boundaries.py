"""How large a difference must be at each look, so that looking often finds no winner by chance.

Group-sequential boundaries by alpha spending: Lan and DeMets, Biometrika 1983, with the spending
functions of O'Brien-Fleming type (hardly anything early) and of Pocock type (evenly). The
statistics of the looks are jointly normal with correlation sqrt(earlier / later).
"""

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

Spending = Callable[[float, float], float]
"""From alpha and the share of the sample that is there (0 to 1) to the alpha spent by then."""


def obrien_fleming(alpha: float, share: float) -> float:
    """One-sided."""
    return float(2 * norm.sf(norm.isf(alpha / 2) / math.sqrt(share)))


def pocock(alpha: float, share: float) -> float:
    """One-sided."""
    return alpha * math.log(1 + (math.e - 1) * share)


@functools.cache
def boundaries(alpha: float, looks: int, spending: Spending) -> tuple[float, ...]:
    """The z value to exceed at each of ``looks`` equal steps: in all, with probability ``alpha``
    when there is no difference."""
    shares = [(look + 1) / looks for look in range(looks)]
    found: list[float] = []
    spent = 0.0
    for number, share in enumerate(shares):
        due = spending(alpha, share)
        found.append(_boundary(found, shares[: number + 1], due - spent))
        spent = due
    return tuple(found)


def _boundary(earlier: Sequence[float], shares: Sequence[float], due: float) -> float:
    """Exceeded here for the first time with probability ``due``."""
    if not earlier:
        return float(norm.isf(due))
    below = _below(earlier, shares[:-1])

    def excess(limit: float) -> float:
        return below - _below([*earlier, limit], shares) - due

    return float(brentq(excess, 0.0, 8.0, xtol=1e-4))


def _below(limits: Sequence[float], shares: Sequence[float]) -> float:
    """The probability that the statistic stays below its limit at every look."""
    if len(limits) == 1:
        return float(norm.cdf(limits[0]))
    times = np.array(shares)
    covariance = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    # The integration draws points; always the same ones, so that a plan is always the same.
    normal = multivariate_normal(np.zeros(len(limits)), covariance, seed=1)
    return float(normal.cdf(np.array(limits)))

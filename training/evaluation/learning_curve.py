"""What more examples would bring, told from what earlier ones brought.

Accuracy follows a - b * n ** -c in the number of examples n: a power law as Hestness et al. find it
(arXiv 1712.00409), fitted by least squares. Its interval is told by the delta method, with Student's t: a few models tell the three
parameters and how far they lie from the law. It is that of the fit alone: models that were asked different
questions vary more.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FEWEST = 3
"""Models with different numbers of examples; fewer do not tell three parameters."""
NEXT, FURTHER = 100, 500
POINTLESS_GAIN, POINTLESS_HIGH = 0.005, 0.01
"""Shares of the questions: expected, and the upper end of its interval."""
UPPER = 0.975
"""Of the distribution around what was fitted: both tails leave 95 %."""
_LOW, _HIGH = (0.0, 0.0, 0.05), (1.0, 20.0, 2.0)

Floats = NDArray[np.float64]
Verdict = Literal["too_few", "worth_it", "pointless"]


@dataclass(frozen=True, slots=True)
class Gain:
    """Share of the questions, with a 95 % interval; infinitely wide where nothing is known."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """``parameters`` are a, b and c, None when there are too few points or none fits."""

    verdict: Verdict
    parameters: tuple[float, float, float] | None = None
    next_gain: Gain | None = None
    further_gain: Gain | None = None

    def at(self, examples: float) -> float | None:
        """The expected accuracy, 0 to 1, with so many examples."""
        return None if self.parameters is None else float(_law(examples, *self.parameters))


def fit(points: Sequence[tuple[int, float]]) -> LearningCurve:
    """``points`` are (examples, accuracy 0 to 1) of one bot's models, in any order."""
    usable = [(n, y) for n, y in points if n > 0 and math.isfinite(y)]
    if len({n for n, _ in usable}) < FEWEST:
        return LearningCurve("too_few")
    counts, accuracies = (np.array(each, dtype=float) for each in zip(*usable, strict=True))
    # Loading it takes longer than most commands do.
    from scipy.optimize import OptimizeWarning, curve_fit

    start = (min(1.0, float(accuracies.max())), 1.0, 0.5)
    try:
        with warnings.catch_warnings():
            # Without a covariance the interval is infinite, and says so.
            warnings.simplefilter("ignore", OptimizeWarning)
            found, covariance = curve_fit(
                _law, counts, accuracies, p0=start, bounds=(_LOW, _HIGH), max_nfev=5000
            )
    except RuntimeError:
        return LearningCurve("too_few")
    a, b, c = (float(each) for each in found)
    now, freedom = float(counts.max()), len(usable) - len(found)
    next_gain, further = (_gain(now, more, b, c, covariance, freedom) for more in (NEXT, FURTHER))
    is_pointless = further.value < POINTLESS_GAIN and further.high < POINTLESS_HIGH
    return LearningCurve("pointless" if is_pointless else "worth_it", (a, b, c), next_gain, further)


def _law(n: float | Floats, a: float, b: float, c: float) -> Floats:
    return np.asarray(a - b * np.asarray(n, dtype=float) ** -c)


def _gain(now: float, more: int, b: float, c: float, covariance: Floats, freedom: int) -> Gain:
    """The delta method: the slope of the gain by each parameter, around what was fitted."""
    from scipy.stats import t

    then = now + more
    before, after = now**-c, then**-c
    value = b * (before - after)
    shape = covariance[1:, 1:]
    # As many points as parameters: they fit exactly, and nothing is known of how well.
    if not np.isfinite(shape).all():
        return Gain(value, -math.inf, math.inf)
    slope = np.array([before - after, b * (after * math.log(then) - before * math.log(now))])
    spread = float(t.ppf(UPPER, freedom)) * math.sqrt(max(float(slope @ shape @ slope), 0.0))
    return Gain(value, value - spread, value + spread)

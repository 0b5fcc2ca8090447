"""An experiment before it begins: how many customers each version needs."""

import math
from dataclasses import dataclass

from scipy.stats import norm

from training.experiments.boundaries import boundaries, obrien_fleming, pocock

LOOKS = 5
ALPHA = 0.025
"""One-sided, for a winner: 5 % of experiments without a difference declare one of two."""
HARM_ALPHA = 0.05
"""One-sided, for harm: stopping a good version for nothing costs little."""
POWER = 0.85
"""More than the 80 % that are promised: the approximations of the sample size flatter a little."""
INFLATION = 1.03
"""What five looks cost beside one: Jennison and Turnbull, Group Sequential Methods, table 2.2."""


class ImpossibleEffect(ValueError):
    """No sample can show it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``per_arm`` conversations for each version; a decision is taken at each of ``looks`` steps.

    ``effect`` is the smallest difference of the rates that is worth finding, ``base`` the rate of
    the version in service.
    """

    base: float
    effect: float
    per_arm: int
    looks: int = LOOKS

    @property
    def to_win(self) -> tuple[float, ...]:
        """For each look, the z value that declares a winner."""
        return boundaries(ALPHA, self.looks, obrien_fleming)

    @property
    def to_stop(self) -> tuple[float, ...]:
        """For each look, how far below zero z may fall before the experiment stops itself."""
        return boundaries(HARM_ALPHA, self.looks, pocock)

    def level(self, look: int) -> float:
        """The confidence of an interval that is as wide as the boundary of that look, from 0."""
        return 1 - 2 * float(norm.sf(self.to_win[look]))

    def look_at(self, conversations: int) -> int:
        """How many looks are due once the smaller of both versions has so many conversations."""
        return min(self.looks, conversations * self.looks // self.per_arm)

    def size_of(self, look: int) -> int:
        """How many conversations each version has at a look, counted from 1."""
        return math.ceil(self.per_arm * look / self.looks)


def plan(base: float, effect: float, power: float = POWER) -> Plan:
    """The sample that finds ``effect`` (0.1 is ten points) with probability ``power``.

    Raises :class:`ImpossibleEffect` for rates outside 0 to 1.
    """
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import proportion_effectsize

    if not (0 < base < 1 and effect > 0 and base + effect < 1):
        raise ImpossibleEffect
    size = proportion_effectsize(base + effect, base)
    fixed = NormalIndPower().solve_power(size, alpha=ALPHA, power=power, alternative="larger")
    return Plan(base, effect, math.ceil(float(fixed) * INFLATION))

"""What votes on pairs of answers say: who was found right more often, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.stats import binomtest

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Tally:
    """``wins`` and ``losses`` are those of the candidate; ties, both right or both wrong, say nothing
    about which is better."""

    wins: int
    losses: int
    both: int
    neither: int

    @property
    def ties(self) -> int:
        return self.both + self.neither


@dataclass(frozen=True, slots=True)
class Standing:
    """The candidate's share of wins and losses, its exact (Clopper-Pearson) interval at ``LEVEL``,
    and the probability of votes so one-sided if neither were better. None without wins or losses."""

    share: float | None
    low: float | None
    high: float | None
    p_value: float | None

    @property
    def percent(self) -> int | None:
        return _percent(self.share)

    @property
    def low_percent(self) -> int | None:
        return _percent(self.low)

    @property
    def high_percent(self) -> int | None:
        return _percent(self.high)

    @property
    def is_decided(self) -> bool:
        """Whether the interval leaves out one half."""
        return self.low is not None and self.high is not None and not self.low <= 0.5 <= self.high


def _percent(value: float | None) -> int | None:
    return None if value is None else round(100 * value)


def tally(choices: Mapping[str, int]) -> Tally:
    """From the number of votes by choice; see :class:`training.models.ShadowVote`."""
    return Tally(
        choices.get("candidate", 0),
        choices.get("champion", 0),
        choices.get("both", 0),
        choices.get("neither", 0),
    )


def standing(found: Tally) -> Standing:
    """The exact binomial test of wins among wins and losses."""
    decided = found.wins + found.losses
    if not decided:
        return Standing(None, None, None, None)
    test = binomtest(found.wins, decided)
    interval = test.proportion_ci(confidence_level=LEVEL, method="exact")
    return Standing(
        found.wins / decided, float(interval.low), float(interval.high), float(test.pvalue)
    )

"""What votes on pairs of answers say: who was found right more often, and how sure that is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Tally:
    """Pairs: ``wins`` and ``losses`` are those of the candidate; both right, both wrong, or ``split``,
    where no choice has most votes, say nothing about which is better."""

    wins: int
    losses: int
    both: int
    neither: int
    split: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The candidate's share of wins and losses, its exact (Clopper-Pearson) interval at ``LEVEL``,
    and the probability of pairs so one-sided if neither were better. None without wins or losses."""

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


def tally(pairs: Iterable[Sequence[str]]) -> Tally:
    """From the choices of those who voted on each pair; see :class:`training.models.ShadowVote`.

    A pair counts once, however many voted on it: what they say of one answer is not independent.
    """
    found = Counter(_outcome(choices) for choices in pairs)
    return Tally(
        found["candidate"], found["champion"], found["both"], found["neither"], found["split"]
    )


def _outcome(choices: Sequence[str]) -> str:
    (most, votes), *others = Counter(choices).most_common(2)
    return "split" if others and others[0][1] == votes else most


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

"""What the outcomes so far allow to say, and whether the experiment has to end."""

from dataclasses import dataclass
from enum import StrEnum

from training.experiments.planning import Plan


class Verdict(StrEnum):
    """Names are stored."""

    RUNNING = "running"
    WINNER = "winner"
    HARM = "harm"
    NO_DIFFERENCE = "no_difference"


@dataclass(frozen=True, slots=True)
class Arm:
    """``good`` of ``total`` conversations of one version ended well."""

    good: int
    total: int

    @property
    def rate(self) -> float | None:
        return self.good / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Reading:
    """The experiment now.

    ``difference`` is challenger less champion, ``low`` and ``high`` its interval (Newcombe's) at
    ``level``, None before both have answered anybody. The level is that of the boundary of the next
    look (of the last one, when that decided): as wide as looking often demands, so that the interval
    shows no difference before a look may. ``look`` is the last one that was due, ``needed`` how
    many conversations the smaller arm still needs to the next.
    """

    verdict: Verdict
    look: int
    needed: int
    difference: float | None
    low: float | None
    high: float | None
    level: float


def read(plan: Plan, looks: tuple[tuple[Arm, Arm], ...], now: tuple[Arm, Arm]) -> Reading:
    """The verdict of the looks that were due, each with (champion, challenger) as they were then.

    What happens between two looks is shown and decides nothing: that keeps chance at bay.
    """
    champion, challenger = now
    verdict = Verdict.RUNNING
    for number, (one, other) in enumerate(looks):
        verdict = _at_look(plan, number, one, other)
        if verdict is not Verdict.RUNNING:
            break
    done = len(looks)
    smaller = min(champion.total, challenger.total)
    needed = max(0, plan.size_of(min(done + 1, plan.looks)) - smaller)
    deciding = done if verdict is Verdict.RUNNING else done - 1
    level = plan.level(min(deciding, plan.looks - 1))
    low, high = _interval(champion, challenger, level)
    difference = None
    if champion.rate is not None and challenger.rate is not None:
        difference = challenger.rate - champion.rate
    return Reading(verdict, done, needed, difference, low, high, level)


def statistic(champion: Arm, challenger: Arm) -> float:
    """z of the difference; 0 while there is nothing to compare or nothing varies."""
    from statsmodels.stats.proportion import proportions_ztest

    good, total = champion.good + challenger.good, champion.total + challenger.total
    if not champion.total or not challenger.total or good in (0, total):
        return 0.0
    z, _ = proportions_ztest([challenger.good, champion.good], [challenger.total, champion.total])
    return float(z)


def _at_look(plan: Plan, number: int, champion: Arm, challenger: Arm) -> Verdict:
    z = statistic(champion, challenger)
    if z >= plan.to_win[number]:
        return Verdict.WINNER
    if z <= -plan.to_stop[number]:
        return Verdict.HARM
    return Verdict.NO_DIFFERENCE if number + 1 == plan.looks else Verdict.RUNNING


def _interval(champion: Arm, challenger: Arm, level: float) -> tuple[float | None, float | None]:
    from statsmodels.stats.proportion import confint_proportions_2indep

    if not champion.total or not challenger.total:
        return None, None
    low, high = confint_proportions_2indep(
        challenger.good,
        challenger.total,
        champion.good,
        champion.total,
        method="newcomb",
        alpha=1 - level,
    )
    return float(low), float(high)

"""Whether reviewers would decide the same: of proposals that two of them decided."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from django.db.models import QuerySet

from chat.models import Bot
from training.models import ReviewDecision

Verdict = ReviewDecision.Verdict
_KEEPS = {Verdict.APPROVE, Verdict.HAND_OVER, Verdict.EDIT}


@dataclass(frozen=True, slots=True)
class Agreement:
    """``share``, 0 to 1, of ``pairs`` (a count of pairs of decisions) came to the same.

    ``kappa`` is without a unit, -1 to 1: (share - chance) / (1 - chance), where chance is the share
    that two who keep and reject as often as these would reach by lot. Source: J. Cohen, "A coefficient
    of agreement for nominal scales", Educational and Psychological Measurement 20 (1960), 37-46. None
    when everybody always decided the same, where it is not defined.
    """

    pairs: int
    share: float
    kappa: float | None

    @property
    def share_percent(self) -> int:
        return round(100 * self.share)


def agreement(bots: QuerySet[Bot]) -> Agreement | None:
    """Keeping an answer or rejecting it, of pairs of reviewers; None before there is any."""
    decided: dict[int, dict[int, bool]] = {}
    rows = (
        ReviewDecision.objects.filter(item__bot__in=bots, undone_at=None)
        .exclude(verdict=Verdict.SKIP)
        .order_by("id")
        .values_list("item", "reviewer", "verdict")
    )
    for item, reviewer, verdict in rows:
        decided.setdefault(item, {})[reviewer] = verdict in _KEEPS
    return of_pairs(pair for each in decided.values() for pair in combinations(each.values(), 2))


def of_pairs(pairs: Iterable[tuple[bool, bool]]) -> Agreement | None:
    """The agreement of two decisions about each of some things."""
    counts = Counter(pairs)
    total = counts.total()
    if not total:
        return None
    share = (counts[True, True] + counts[False, False]) / total
    first = (counts[True, True] + counts[True, False]) / total
    second = (counts[True, True] + counts[False, True]) / total
    chance = first * second + (1 - first) * (1 - second)
    return Agreement(total, share, None if chance == 1 else (share - chance) / (1 - chance))

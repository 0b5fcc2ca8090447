"""Why one reviewer is not enough for a proposal."""

import difflib
import re
from collections.abc import Iterator

from chat.knowledge.questions import normalized
from chat.models import CuratedAnswer
from training.models import ReviewDecision, ReviewItem, Scenario

MUCH = 0.6
"""An answer less alike to the one that was proposed was changed much. As difflib's ratio."""

Risk = ReviewItem.Risk
Verdict = ReviewDecision.Verdict
# As moderation masks: [PHONE_1], and asterisks for words.
_MASKED = re.compile(r"\[[A-Z][A-Z_]*_\d+\]|\*{2,}")


def risks_of(item: ReviewItem) -> list[str]:
    """Of the item as it is now, :class:`ReviewItem.Risk` values; empty when one may decide."""
    return [str(each) for each in _found(item)]


def _found(item: ReviewItem) -> Iterator[Risk]:
    proposed = str(item.original.get("answer", ""))
    if proposed and difflib.SequenceMatcher(None, proposed, item.answer).ratio() < MUCH:
        yield Risk.EDITED
    if _MASKED.search(item.answer):
        yield Risk.PERSONAL
    if item.answer and _contradicts(item):
        yield Risk.CONTRADICTION
    if item.scenario == Scenario.COMPLAINT:
        yield Risk.COMPLAINT
    if _is_disputed(item):
        yield Risk.DISAGREEMENT


def _contradicts(item: ReviewItem) -> bool:
    approved = CuratedAnswer.objects.filter(
        bot=item.bot,
        locale=item.locale,
        is_active=True,
        variants__normalized=normalized(item.question),
    )
    same = normalized(item.answer)
    return any(normalized(text) != same for text in approved.values_list("text", flat=True))


def _is_disputed(item: ReviewItem) -> bool:
    """Whether some reviewers approved and others rejected what is asked in nearly the same words."""
    decided = ReviewDecision.objects.filter(
        item__bot=item.bot,
        item__cluster=item.cluster,
        undone_at=None,
        verdict__in=[Verdict.APPROVE, Verdict.HAND_OVER, Verdict.REJECT],
    )
    return (
        len({verdict == Verdict.REJECT for verdict in decided.values_list("verdict", flat=True)})
        > 1
    )

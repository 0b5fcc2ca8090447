"""Decisions about proposals. Who wrote any of a text does not approve it; risky ones take two.

Of the others, some are read a second time by somebody who does not see that they were decided: only
so is it known whether one reviewer is enough. Who disagrees opens it for a third.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.access import bots_of
from chat.inference.engine import ChatMessage
from moderation.actors import Actor
from moderation.services import audit
from training.models import (
    Example,
    Increment,
    ReviewDecision,
    ReviewItem,
)
from training.risks import risks_of
from training.services import approving, examples
from training.services.approving import NotDecided

LENT = timedelta(minutes=10)
PASSED_OVER = timedelta(days=1)
"""After it, what somebody skipped is shown to them again."""
APPROVE = "training.approve_example"

Verdict = ReviewDecision.Verdict
Status = ReviewItem.Status
APPROVALS = (Verdict.APPROVE, Verdict.HAND_OVER)
_KEPT = (
    "turns", "answer", "scenario", "text_author_id", "is_risky", "risks", "status", "example_id",
    "is_read_again",
)  # fmt: skip
_draw = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reviewer wants. ``turns`` and ``answer`` as they edited them, None as they were.

    ``batch`` names the keystroke: what was decided by it is not decided again when it is sent again.
    """

    verdict: Verdict
    turns: Sequence[ChatMessage] | None = None
    answer: str | None = None
    scenario: str = ""
    rejection: str = ""
    seconds: float = 0.0
    batch: UUID = field(default_factory=uuid4)


def open_items(reviewer: User) -> QuerySet[ReviewItem]:
    """What this person may still decide: not what they wrote or decided. What a batch waits for comes
    first, then what is worth most."""
    decided = ReviewDecision.objects.filter(reviewer=reviewer, undone_at=None).exclude(
        verdict=Verdict.SKIP, created_at__lt=timezone.now() - PASSED_OVER
    )
    waiting = Q(status=Status.OPEN)
    if reviewer.has_perm(APPROVE):
        waiting |= Q(is_read_again=True)
    return (
        ReviewItem.objects.filter(waiting, bot__in=bots_of(reviewer))
        .exclude(pk__in=decided.values("item"))
        .exclude(text_author=reviewer)
        .exclude(message__author=reviewer)
        .select_related("bot", "conversation", "text_author")
        .annotate(is_in_batch=Q(increment__isnull=False, increment__stage=Increment.Stage.REVIEW))
        .order_by("-is_in_batch", "-value", "id")
    )


@transaction.atomic
def lend(reviewer: User, count: int, besides: Sequence[str] = ()) -> list[ReviewItem]:
    """The next items for a reviewer, for ten minutes shown to nobody else."""
    now = timezone.now()
    free = open_items(reviewer).filter(
        Q(lent_to=None) | Q(lent_to=reviewer) | Q(lent_until__lt=now)
    )
    items = list(
        free.exclude(public_id__in=besides).select_for_update(of=("self",), skip_locked=True)[
            :count
        ]
        if _can_skip()
        else free.exclude(public_id__in=besides)[:count]
    )
    ReviewItem.objects.filter(pk__in=[each.pk for each in items]).update(
        lent_to=reviewer, lent_until=now + LENT
    )
    return items


@transaction.atomic
def decide(item: ReviewItem, decision: Decision, *, by: User) -> ReviewDecision:
    """Take a decision. An edit changes the text and leaves approving it to somebody else.

    Raises :class:`NotDecided`.
    """
    current = ReviewItem.objects.select_for_update(of=("self",)).get(pk=item.pk)
    again = current.decisions.filter(batch=decision.batch, reviewer=by).first()
    if again is not None:
        return again
    first = _first_reading(current, by) if current.is_read_again else None
    if current.status != Status.OPEN and first is None:
        raise NotDecided(_("Somebody else has decided this meanwhile."))
    before = _state(current)
    if decision.scenario:
        current.scenario = decision.scenario
    verdict = _edited(current, decision, by)
    current.risks = risks_of(current)
    current.is_risky = bool(current.risks)
    if first is not None:
        before["withdrawn"] = _read_again(current, verdict, first, by)
    elif verdict in APPROVALS:
        before["example_status"] = _approve(current, verdict, by)
    elif verdict == Verdict.REJECT:
        if decision.rejection not in ReviewDecision.Rejection.values:
            raise NotDecided(_("Say why it is rejected."))
        current.status = Status.REJECTED
    if first is None and current.status != Status.OPEN:
        current.is_read_again = _is_drawn(current, by)
    current.lent_to = current.lent_until = None
    current.save()
    taken = ReviewDecision.objects.create(
        item=current,
        reviewer=by,
        verdict=verdict,
        rejection=decision.rejection if verdict == Verdict.REJECT else "",
        before=before,
        after=_state(current),
        seconds=min(max(decision.seconds, 0.0), 3600.0),
        batch=decision.batch,
    )
    _record(taken, f"proposal.{_PAST[verdict]}", is_second=first is not None)
    return taken


@transaction.atomic
def decide_all(item: ReviewItem, decision: Decision, *, by: User) -> list[ReviewDecision]:
    """The same decision for every open item of the cluster that this person may decide.

    Each keeps its own turns and gets the answer of ``item``: where it had another one, that is an
    edit. One that cannot be decided like this stays in the queue. Raises :class:`NotDecided` when
    ``item`` itself cannot.
    """
    again = ReviewDecision.objects.filter(batch=decision.batch, reviewer=by).select_related("item")
    if again:
        return list(again.order_by("id"))
    # What is read a second time is read, and not decided with others.
    waiting = open_items(by).filter(bot=item.bot, cluster=item.cluster, status=Status.OPEN)
    others = list(waiting.exclude(pk=item.pk))
    decided = [decide(item, decision, by=by)]
    alike = replace(decision, turns=None, answer=decided[0].item.answer or None, seconds=0.0)
    for each in others:
        try:
            with transaction.atomic():
                decided.append(decide(each, alike, by=by))
        except NotDecided:
            continue
    return decided


@transaction.atomic
def undo(by: User) -> ReviewItem | None:
    """Take back one's newest decision, with all that the same keystroke decided.

    Returns the item, as it was; None when there is none left. Raises :class:`NotDecided` when its
    example is part of a frozen dataset already, or somebody else has decided on it since.
    """
    mine = ReviewDecision.objects.filter(reviewer=by, undone_at=None).order_by("-id")
    newest = mine.first()
    if newest is None:
        return None
    items = [_undone(each) for each in mine.filter(batch=newest.batch)]
    # The first of a keystroke is the one that was looked at.
    return items[-1]


def _undone(decision: ReviewDecision) -> ReviewItem:
    item = ReviewItem.objects.select_for_update(of=("self",)).get(pk=decision.item_id)
    if item.decisions.filter(undone_at=None, id__gt=decision.pk).exists():
        raise NotDecided(_("Somebody else has decided on it since."))
    before = dict(decision.before)
    status = before.pop("example_status", None)
    withdrawn = before.pop("withdrawn", None)
    made = item.example if before["example_id"] is None else None
    for name, value in before.items():
        setattr(item, name, value)
    item.lent_to, item.lent_until = decision.reviewer, timezone.now() + LENT
    item.save()
    if made is not None:
        approving.unlearn(made, status)
    if withdrawn is not None:
        Example.objects.filter(pk=withdrawn["example"]).update(
            status=Example.Status.APPROVED, reviewer=withdrawn["reviewer"]
        )
    decision.undone_at = timezone.now()
    decision.save(update_fields=["undone_at"])
    _record(decision, "proposal.reopened")
    return item


_PAST = {
    Verdict.APPROVE: "approved",
    Verdict.HAND_OVER: "approved",
    Verdict.EDIT: "edited",
    Verdict.REJECT: "rejected",
    Verdict.SKIP: "skipped",
}


def _edited(item: ReviewItem, decision: Decision, by: User) -> Verdict:
    """The verdict, once the edited text is in the item: approving one's own edit is only an edit."""
    if decision.verdict not in (Verdict.APPROVE, Verdict.EDIT):
        return decision.verdict
    turns = item.turns if decision.turns is None else list(decision.turns)
    answer = item.answer if decision.answer is None else decision.answer.strip()
    if not answer:
        raise NotDecided(_("Write the answer first."))
    if turns == item.turns and answer == item.answer:
        return Verdict.APPROVE
    kept = approving.screened(item, turns, answer)
    item.turns, item.answer = list(kept[:-1]), kept[-1]["content"]
    item.text_author = by
    return Verdict.EDIT


def _approve(item: ReviewItem, verdict: Verdict, by: User) -> str | None:
    """The status that its example had before, None when it is a new one or there is none yet."""
    if not by.has_perm(APPROVE):
        raise NotDecided(_("You may propose and edit; somebody else approves."))
    if _wrote(item, by):
        raise NotDecided(_("Somebody else has to approve what you wrote."))
    if item.is_risky and not _is_seconded(item, verdict, by):
        # The first of two: it stays in the queue of all others.
        return None
    item.example, before = approving.learn(item, hands_over=verdict == Verdict.HAND_OVER, by=by)
    item.status = Status.APPROVED
    return before


def _is_drawn(item: ReviewItem, by: User) -> bool:
    """Whether somebody else reads it again: of what one person decided alone, a share by lot."""
    if item.is_risky or item.decisions.filter(undone_at=None).exclude(reviewer=by).exists():
        return False
    return _draw.random() < float(settings.TRAINING_SECOND_READINGS)


def _first_reading(item: ReviewItem, by: User) -> ReviewDecision:
    """The decision that ``by`` is about to make without seeing it. Raises :class:`NotDecided`."""
    standing = item.decisions.filter(undone_at=None).exclude(verdict=Verdict.SKIP)
    if not by.has_perm(APPROVE) or _wrote(item, by) or standing.filter(reviewer=by).exists():
        raise NotDecided(_("Somebody else has decided this meanwhile."))
    return standing.latest("id")


def _read_again(
    item: ReviewItem, verdict: Verdict, first: ReviewDecision, by: User
) -> dict[str, Any] | None:
    """Close the second reading. Where it comes to something else, a third decides, and what the
    first approved is learned no more; returns that, to be brought back by an undo."""
    if verdict == Verdict.SKIP:
        return None
    item.is_read_again = False
    if verdict == first.verdict:
        return None
    item.status = Status.OPEN
    item.is_risky, item.risks = True, sorted({*item.risks, ReviewItem.Risk.DISAGREEMENT.value})
    example, item.example = item.example, None
    if example is None or ReviewItem.objects.filter(example=example).exclude(pk=item.pk).exists():
        # Others approved the same words.
        return None
    found = {"example": example.pk, "reviewer": example.reviewer_id}
    return found if examples.decide([example], Example.Status.REJECTED, reviewer=by) else None


def _wrote(item: ReviewItem, by: User) -> bool:
    """Whether any of the text is theirs: what they said to the customer, or edited here."""
    edits = item.decisions.filter(verdict=Verdict.EDIT, undone_at=None)
    writers = {
        item.text_author_id,
        item.message.author_id,
        *edits.values_list("reviewer", flat=True),
    }
    return by.pk in writers


def _is_seconded(item: ReviewItem, verdict: Verdict, by: User) -> bool:
    """Whether somebody else wants the same: who approved it, too, or wrote what is approved."""
    same = [verdict, Verdict.EDIT] if verdict == Verdict.APPROVE else [verdict]
    standing = item.decisions.filter(undone_at=None, verdict__in=same)
    return standing.exclude(reviewer=by).exists()


def _can_skip() -> bool:
    return connection.features.has_select_for_update_skip_locked


def _state(item: ReviewItem) -> dict[str, Any]:
    return {name: getattr(item, name) for name in _KEPT}


def _record(decision: ReviewDecision, action: str, *, is_second: bool = False) -> None:
    item = decision.item
    audit.record(
        action,
        target=f"proposal:{item.public_id}",
        bot=item.bot.slug,
        facts={
            "conversation": str(item.conversation.public_id),
            "batch": str(decision.batch),
            "risks": item.risks,
            "rejection": decision.rejection,
            "is_second_reading": is_second,
        },
        by=Actor.of(decision.reviewer),
    )

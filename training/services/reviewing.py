"""Decisions about proposals. Who wrote a text does not approve it; risky ones take two."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.access import bots_of
from chat.inference.engine import ChatMessage
from chat.knowledge.questions import normalized
from chat.models import CuratedAnswer
from chat.services.notices import notice_text
from moderation.actors import Actor
from moderation.services import audit
from training.formats import Turn
from training.frozen import digest
from training.models import Dataset, Example, FrozenExample, ReviewDecision, ReviewItem
from training.services import examples
from training.services.examples import InvalidExample
from training.services.importing import messages_of, turns_of

LENT = timedelta(minutes=10)
SOURCE = "review"

Verdict = ReviewDecision.Verdict
Status = ReviewItem.Status
_KEPT = ("turns", "answer", "scenario", "text_author_id", "is_risky", "status", "example_id")


class NotDecided(ValueError):
    """The decision was not taken; the text says why, to a person. Nothing changed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reviewer wants. ``turns`` and ``answer`` as they edited them, None as they were."""

    verdict: Verdict
    turns: Sequence[ChatMessage] | None = None
    answer: str | None = None
    scenario: str = ""
    rejection: str = ""
    seconds: float = 0.0


def open_items(reviewer: User) -> QuerySet[ReviewItem]:
    """What this person may still decide, the most valuable first: not what they decided already."""
    decided = ReviewDecision.objects.filter(reviewer=reviewer, undone_at=None)
    return (
        ReviewItem.objects.filter(bot__in=bots_of(reviewer), status=Status.OPEN)
        .exclude(pk__in=decided.values("item"))
        .exclude(text_author=reviewer)
        .select_related("bot", "conversation", "text_author")
        .order_by("-value", "id")
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
    if current.status != Status.OPEN:
        raise NotDecided(_("Somebody else has decided this meanwhile."))
    before = {field: getattr(current, field) for field in _KEPT}
    verdict = _edited(current, decision, by)
    if decision.scenario:
        current.scenario = decision.scenario
    if verdict in (Verdict.APPROVE, Verdict.HAND_OVER):
        _approve(current, verdict, by)
    elif verdict == Verdict.REJECT:
        if decision.rejection not in ReviewDecision.Rejection.values:
            raise NotDecided(_("Say why it is rejected."))
        current.status = Status.REJECTED
    current.lent_to = current.lent_until = None
    current.save()
    taken = ReviewDecision.objects.create(
        item=current,
        reviewer=by,
        verdict=verdict,
        rejection=decision.rejection if verdict == Verdict.REJECT else "",
        before=before,
        seconds=min(max(decision.seconds, 0.0), 3600.0),
    )
    _record(current, f"proposal.{_PAST[verdict]}", by)
    return taken


def decide_all(item: ReviewItem, decision: Decision, *, by: User) -> list[ReviewDecision]:
    """The same decision for every open item of the cluster that this person may decide.

    Each keeps its own turns; an approved answer is given to all. Raises :class:`NotDecided`, and
    then nothing of it happened.
    """
    with transaction.atomic():
        others = open_items(by).filter(bot=item.bot, cluster=item.cluster).exclude(pk=item.pk)
        first = decide(item, decision, by=by)
        alike = Decision(
            Verdict.EDIT if first.verdict == Verdict.EDIT else decision.verdict,
            answer=first.item.answer or None,
            scenario=decision.scenario,
            rejection=decision.rejection,
        )
        return [first, *(decide(each, alike, by=by) for each in others)]


@transaction.atomic
def undo(by: User) -> ReviewItem | None:
    """Take back one's newest decision; the item is as it was. None when there is none left.

    Raises :class:`NotDecided` when its example is part of a frozen dataset already.
    """
    newest = (
        ReviewDecision.objects.filter(reviewer=by, undone_at=None)
        .select_related("item")
        .order_by("-id")
        .first()
    )
    if newest is None:
        return None
    item = ReviewItem.objects.select_for_update(of=("self",)).get(pk=newest.item_id)
    if item.decisions.filter(undone_at=None, id__gt=newest.pk).exists():
        raise NotDecided(_("Somebody else has decided on it since."))
    if item.example_id is not None and newest.before["example_id"] is None:
        if FrozenExample.objects.filter(example=item.example_id).exists():
            raise NotDecided(_("It is part of a frozen dataset already."))
        Example.objects.filter(pk=item.example_id).delete()
    for field, value in newest.before.items():
        setattr(item, field, value)
    item.lent_to, item.lent_until = by, timezone.now() + LENT
    item.save()
    newest.undone_at = timezone.now()
    newest.save(update_fields=["undone_at"])
    _record(item, "proposal.reopened", by)
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
    kept = _screened(item, turns, answer)
    item.turns, item.answer = list(kept[:-1]), kept[-1]["content"]
    item.text_author = by
    return Verdict.EDIT


def _approve(item: ReviewItem, verdict: Verdict, by: User) -> None:
    if not by.has_perm("training.approve_example"):
        raise NotDecided(_("You may propose and edit; somebody else approves."))
    if item.text_author_id == by.pk:
        raise NotDecided(_("Somebody else has to approve what you wrote."))
    earlier = item.decisions.filter(
        verdict__in=[Verdict.APPROVE, Verdict.HAND_OVER], undone_at=None
    ).exclude(reviewer=by)
    if item.is_risky and not earlier.exists():
        # The first of two: it stays in the queue of all others.
        return
    item.example = _example(item, verdict, by)
    item.status = Status.APPROVED


def _example(item: ReviewItem, verdict: Verdict, by: User) -> Example:
    dataset = Dataset.objects.filter(bot=item.bot).order_by("id").last()
    if dataset is None:
        raise NotDecided(_("This bot has no dataset yet: make one first."))
    hands_over = verdict == Verdict.HAND_OVER
    answer = notice_text("unanswered", item.locale) if hands_over else item.answer
    messages = _screened(item, item.turns, answer)
    known = dataset.examples.filter(digest=digest(messages, item.locale)).first()
    if known is not None:
        # Somebody else asked in the same words, and the answer was the same.
        return known
    example = Example(
        dataset=dataset,
        locale=item.locale,
        scenario=item.scenario,
        group="" if hands_over else _group(item, answer),
        hands_over=hands_over,
        source=SOURCE,
        conversation=item.conversation,
        status=Example.Status.APPROVED,
        author=item.text_author,
    )
    try:
        saved = examples.save(example, turns_of(messages), author=by)
    except InvalidExample as error:
        raise NotDecided(str(error)) from None
    saved.author, saved.reviewer = item.text_author, by
    saved.save(update_fields=["author", "reviewer"])
    return saved


def _group(item: ReviewItem, answer: str) -> str:
    """The key of the approved answer that says the same."""
    wanted = normalized(answer)
    approved = CuratedAnswer.objects.filter(bot=item.bot, locale=item.locale, is_active=True)
    keys = (key for key, text in approved.values_list("key", "text") if normalized(text) == wanted)
    return next(keys, "")


def _screened(
    item: ReviewItem, turns: Sequence[ChatMessage], answer: str
) -> tuple[ChatMessage, ...]:
    try:
        return messages_of(examples.kept(Dataset(bot=item.bot), _spoken(turns, answer)))
    except InvalidExample as error:
        raise NotDecided(str(error)) from None


def _spoken(turns: Sequence[ChatMessage], answer: str) -> list[Turn]:
    said = [*turns, ChatMessage(role="assistant", content=answer)]
    return [Turn(each["role"], str(each["content"])) for each in said]  # type: ignore[arg-type]


def _can_skip() -> bool:
    return connection.features.has_select_for_update_skip_locked


def _record(item: ReviewItem, action: str, by: User) -> None:
    audit.record(
        action,
        target=f"proposal:{item.public_id}",
        bot=item.bot.slug,
        facts={"conversation": str(item.conversation.public_id)},
        by=Actor.of(by),
    )

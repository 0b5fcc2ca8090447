"""The queue of shadow answers: taken by runners that have nothing else to do.

No reply is touched for it. A runner that is idle looks which of the replies since its last look
belong to the sample, and takes the first; the look is a conditional UPDATE of the shadow's row, so two runners never draw
the same reply. Nobody waits for a shadow answer: what no runner had time for within
:data:`WORTH_SECONDS` is left out, because by then the bot may know something else.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from chat.knowledge.sameness import Comparison
from chat.models import CuratedAnswer, Message, Shadow, ShadowAnswer
from chat.selectors import open_shadows
from chat.services import publishing
from moderation.actors import named
from moderation.services import audit

Status = ShadowAnswer.Status
WORTH_SECONDS = 600
MOST_ATTEMPTS = 3
LOOKED_AT_ONCE = 200
WRITTEN = (Message.Source.MODEL, Message.Source.CACHE, Message.Source.NOTICE)
"""Sources of replies that a model had to do with. An approved answer is served whatever the model."""

_ON_ITS_WAY = (Message.Status.PENDING, Message.Status.GENERATING)
_OPEN = (Status.PENDING, Status.WRITING)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the candidate would have said, how long it took in seconds, and how that compares."""

    text: str
    source: str
    comparison: Comparison
    latency: float
    code: str = ""
    curated_answer: CuratedAnswer | None = None
    confidence: float | None = None


def claim(*, owner: str, candidates: Collection[int]) -> ShadowAnswer | None:
    """Take one that waits, or whose runner was lost, else draw the next of the sample.

    ``candidates`` are the deployments whose engines are open at this runner.
    """
    for shadow in open_shadows().filter(candidate__in=candidates):
        _give_up(shadow)
        pk = _waiting(shadow, owner) or _drawn(shadow, owner)
        if pk is not None:
            return _with_relations().get(pk=pk)
    return None


def as_reply(answer: ShadowAnswer) -> Message:
    """The reply that the shadow answer stands for. It has no row and never gets one."""
    live = answer.message
    return Message(
        public_id=answer.public_id,
        conversation=live.conversation,
        seq=live.seq,
        role=Message.Role.ASSISTANT,
        reply_to=live.reply_to,
    )


@transaction.atomic
def settle(answer: ShadowAnswer, said: Answered) -> bool:
    """Keep what was said. False: it is no longer this runner's, or was erased meanwhile."""
    settled = _held(answer).update(
        status=Status.ANSWERED,
        text=said.text,
        source=said.source,
        code=said.code,
        curated_answer=said.curated_answer,
        confidence=said.confidence,
        latency=round(said.latency, 4),
        likeness=said.comparison.likeness,
        difference=said.comparison.difference,
        same_meaning=said.comparison.is_same,
        lease_until=None,
    )
    if settled:
        _end_when_done(answer.shadow)
    return bool(settled)


@transaction.atomic
def fail(answer: ShadowAnswer, code: str) -> bool:
    """The candidate could not answer; ``code`` is the engine's."""
    failed = _held(answer).update(status=Status.FAILED, code=code[:40], lease_until=None)
    if failed:
        _end_when_done(answer.shadow)
    return bool(failed)


def release(answer: ShadowAnswer) -> bool:
    """Give it back to the queue: somebody waits for this runner. That costs no attempt."""
    return bool(
        _held(answer).update(
            status=Status.PENDING, lease_owner="", lease_until=None, attempts=F("attempts") - 1
        )
    )


@transaction.atomic
def end(shadow: Shadow, reason: Shadow.Reason, *, by: User | None = None) -> bool:
    """Nothing more is answered; what was begun is dropped. False if it had ended."""
    ended = Shadow.objects.filter(pk=shadow.pk, ended_at=None).update(
        ended_at=timezone.now(), reason=reason, ended_by=by
    )
    if not ended:
        return False
    shadow.answers.filter(status__in=_OPEN).delete()
    publishing.call_runners("deployment", bot=shadow.bot_id)
    audit.record(
        "shadow.ended",
        target=f"shadow:{shadow.public_id}",
        bot=shadow.bot.slug,
        facts={"reason": str(reason), "answers": shadow.answers.count()},
        by=named(by),
    )
    return True


def _waiting(shadow: Shadow, owner: str) -> int | None:
    waiting = _takeable(shadow)
    pk = waiting.order_by("id").values_list("pk", flat=True).first()
    if pk is None:
        return None
    taken = waiting.filter(pk=pk).update(
        status=Status.WRITING,
        lease_owner=owner,
        lease_until=_lease_end(),
        attempts=F("attempts") + 1,
    )
    return pk if taken else None


def _drawn(shadow: Shadow, owner: str) -> int | None:
    """Look at the replies since the last look, up to the first one of the sample."""
    room = shadow.limit - shadow.answers.count()
    while room > 0:
        looked = _unseen(shadow).values_list(*_Row._fields)[:LOOKED_AT_ONCE]
        rows = [_Row(*row) for row in looked]
        seen, found = _first(shadow, rows)
        if seen == shadow.looked_to:
            return None
        with transaction.atomic():
            moved = Shadow.objects.filter(
                pk=shadow.pk, looked_to=shadow.looked_to, ended_at=None
            ).update(looked_to=seen)
            if not moved:
                # Another runner looks: it has drawn what we would have.
                return None
            if found is not None:
                return _made(shadow, found, owner).pk
        shadow.looked_to = seen
        if len(rows) < LOOKED_AT_ONCE:
            return None
    return None


class _Row(NamedTuple):
    pk: int
    public_id: uuid.UUID
    status: str
    source: str
    deployment: int | None


def _unseen(shadow: Shadow) -> QuerySet[Message]:
    return Message.objects.filter(
        conversation__bot=shadow.bot_id,
        role=Message.Role.ASSISTANT,
        pk__gt=shadow.looked_to,
        created_at__gt=_oldest(),
    ).order_by("pk")


def _first(shadow: Shadow, rows: list[_Row]) -> tuple[int, int | None]:
    """How far was looked, and the first reply of the sample. Behind one that is still being written
    nothing is looked at: it may belong to the sample, too."""
    seen = shadow.looked_to
    for row in rows:
        if row.status in _ON_ITS_WAY:
            break
        seen = row.pk
        is_champions = row.deployment == shadow.champion_id and row.source in WRITTEN
        if row.status == Message.Status.SENT and is_champions and shadow.is_sampled(row.public_id):
            return seen, row.pk
    return seen, None


def _made(shadow: Shadow, message: int, owner: str) -> ShadowAnswer:
    return ShadowAnswer.objects.create(
        shadow=shadow,
        message_id=message,
        status=Status.WRITING,
        lease_owner=owner,
        lease_until=_lease_end(),
        attempts=1,
    )


@transaction.atomic
def _give_up(shadow: Shadow) -> None:
    """What came too late, or was lost with its runner again and again."""
    waiting = shadow.answers.filter(
        Q(status=Status.PENDING) | Q(status=Status.WRITING, lease_until__lt=timezone.now())
    )
    late = waiting.filter(message__created_at__lte=_oldest()).update(
        status=Status.FAILED, code="late", lease_until=None
    )
    lost = waiting.filter(attempts__gte=MOST_ATTEMPTS).update(
        status=Status.FAILED, code="lost", lease_until=None
    )
    if late or lost:
        _end_when_done(shadow)


def _takeable(shadow: Shadow) -> QuerySet[ShadowAnswer]:
    return ShadowAnswer.objects.filter(
        Q(status=Status.PENDING) | Q(status=Status.WRITING, lease_until__lt=timezone.now()),
        shadow=shadow,
    )


def _end_when_done(shadow: Shadow) -> None:
    if shadow.answers.exclude(status__in=_OPEN).count() >= shadow.limit:
        end(shadow, Shadow.Reason.FINISHED)


def _held(answer: ShadowAnswer) -> QuerySet[ShadowAnswer]:
    return ShadowAnswer.objects.filter(
        pk=answer.pk,
        status=Status.WRITING,
        lease_owner=answer.lease_owner,
        attempts=answer.attempts,
    )


def _with_relations() -> QuerySet[ShadowAnswer]:
    return ShadowAnswer.objects.select_related(
        "shadow__bot",
        "shadow__candidate__bot",
        "message__conversation__bot",
        "message__conversation__visitor",
        "message__reply_to",
    )


def _oldest() -> datetime:
    return timezone.now() - timedelta(seconds=WORTH_SECONDS)


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=4 * settings.CHAT_LEASE_SECONDS)

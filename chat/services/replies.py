"""The queue of replies: claimed by runners under a lease, settled exactly once.

Every write of a runner names owner and attempt. A runner that lost its lease matches no row
any more, so nothing it still believes can reach a customer.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from chat.models import Conversation, CuratedAnswer, Deployment, Message
from chat.selectors import message_with_relations, with_relations
from chat.services import publishing, trail
from chat.services.notices import notice_text

Status = Message.Status
TAKEN_OVER = "taken_over"
"""The code of a reply that ended because an agent took the conversation."""


class NotCancellable(Exception):
    """The reply is settled, or the message is no reply."""


class NotRetryable(Exception):
    """The reply is neither failed nor cancelled, or a later message exists already."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write one reply, until the lease ends."""

    message: Message
    owner: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """How an answer came about, as it is stored with the reply.

    ``match`` says how its question was found, ``confidence`` how likely the answer is right, and
    ``suggestions`` are questions to offer when that is too little (``is_unsure``).
    """

    deployment: Deployment | None
    prompt_version: str = ""
    policy_version: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    match: dict[str, Any] = field(default_factory=dict)
    curated_answer: CuratedAnswer | None = None
    confidence: float | None = None
    is_unsure: bool = False
    suggestions: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """What the reply's row stores of it."""
        return {
            "deployment": self.deployment,
            "prompt_version": self.prompt_version,
            "policy_version": self.policy_version,
            "timings": self.timings,
            "match": self.match,
            "curated_answer": self.curated_answer,
            "confidence": self.confidence,
            "suggestions": list(self.suggestions),
        }


def claim(*, owner: str, limit: int, without_bots: Collection[int] = frozenset()) -> list[Claim]:
    """Take up to ``limit`` waiting replies, oldest first, one per conversation.

    A reply whose conversation has an earlier one waiting or being written is not taken, and none
    of a bot in ``without_bots``, which has no engine here at the moment.
    """
    found = _claimable()
    if without_bots:
        found = found.exclude(conversation__bot__in=without_bots)
    candidates = found.values_list("pk", flat=True)[:limit]
    return [taken for pk in candidates if (taken := _claim_one(pk, owner))]


def _claimable() -> QuerySet[Message]:
    before = Message.objects.filter(
        conversation=OuterRef("conversation"),
        seq__lt=OuterRef("seq"),
        status__in=[Status.PENDING, Status.GENERATING],
    )
    return Message.objects.filter(~Exists(before), status=Status.PENDING).order_by(
        "queued_at", "id"
    )


def is_any_waiting() -> bool:
    """Whether a runner with a free seat would have something to do."""
    return _claimable().exists()


def _claim_one(pk: int, owner: str) -> Claim | None:
    try:
        with transaction.atomic():
            taken = Message.objects.filter(pk=pk, status=Status.PENDING).update(
                status=Status.GENERATING,
                lease_owner=owner,
                lease_until=_lease_end(),
                attempt=F("attempt") + 1,
                attempts_left=F("attempts_left") - 1,
                text="",
            )
            if not taken:
                return None
            message = message_with_relations(pk)
            publishing.announce_message("message.generating", message)
            return Claim(message, owner, message.attempt)
    except IntegrityError:
        # Another runner began an earlier reply of this conversation in the same instant.
        return None


def renew(claim: Claim, *, text: str) -> bool:
    """Prolong the lease and keep the text so far. False: the reply is no longer ours."""
    return bool(_held(claim).update(lease_until=_lease_end(), text=text))


def settle_sent(claim: Claim, *, text: str, source: str, provenance: Provenance) -> bool:
    """The answer is complete. False: the reply is no longer ours and nothing changed."""
    return _settle(
        claim,
        "message.sent",
        status=Status.SENT,
        text=text,
        source=source,
        code="unsure" if provenance.is_unsure else "",
        **provenance.fields(),
    )


def settle_withheld(claim: Claim, *, provenance: Provenance) -> bool:
    """What the model said may not be shown: a sentence of our own stands in its place."""
    return _settle(
        claim,
        "message.sent",
        status=Status.SENT,
        text=notice_text("withheld", claim.message.conversation.locale),
        source=Message.Source.NOTICE,
        code="withheld",
        **provenance.fields(),
    )


def settle_offered(claim: Claim, *, provenance: Provenance) -> bool:
    """No answer is likely enough to be right: similar questions and a person are offered."""
    code = "unsure" if provenance.suggestions else "unanswered"
    return _settle(
        claim,
        "message.sent",
        status=Status.SENT,
        text=notice_text(code, claim.message.conversation.locale),
        source=Message.Source.NOTICE,
        code=code,
        **provenance.fields(),
    )


def settle_failed(claim: Claim, *, code: str, retryable: bool) -> bool:
    """No answer came. Back into the queue while attempts are left and it may help."""
    if retryable and claim.message.attempts_left > 0:
        return _settle(claim, "message.requeued", status=Status.PENDING, text="")
    return _settle(claim, "message.failed", status=Status.FAILED, text="", code=code)


def release(claim: Claim) -> bool:
    """Give the reply back untouched: this runner stops, no attempt was used up."""
    return _settle(
        claim,
        "message.requeued",
        status=Status.PENDING,
        text="",
        attempts_left=F("attempts_left") + 1,
    )


def keep_cancelled_text(claim: Claim, *, text: str) -> bool:
    """After a cancellation, store what had been said until then."""
    kept = Message.objects.filter(
        pk=claim.message.pk, status=Status.CANCELLED, attempt=claim.attempt
    ).update(text=text, source=Message.Source.MODEL)
    if kept:
        claim.message.status, claim.message.text = Status.CANCELLED, text
        claim.message.source = Message.Source.MODEL
        publishing.announce_message("message.cancelled", claim.message)
    return bool(kept)


@transaction.atomic
def cancel(reply: Message) -> Message:
    """Stop a reply: from this commit on its runner can write no more.

    Raises :class:`NotCancellable`.
    """
    stopped = Message.objects.filter(
        pk=reply.pk, role=Message.Role.ASSISTANT, status__in=[Status.PENDING, Status.GENERATING]
    ).update(status=Status.CANCELLED, lease_until=None)
    if not stopped:
        raise NotCancellable
    publishing.call_runners("cancelled", message_id=str(reply.public_id))
    publishing.call_runners("wake")
    reply = message_with_relations(reply.pk)
    publishing.announce_message("message.cancelled", reply)
    trail.answered(reply)
    return reply


@transaction.atomic
def retry(reply: Message) -> Message:
    """Put a failed or cancelled reply back into the queue. Raises :class:`NotRetryable`.

    Only the newest reply: an answer that appears above later messages confuses everybody. None
    while an agent answers, and none that an agent's arrival ended: its text is gone for good.
    """
    # The lock that a takeover takes, too: either it sees this reply wait, or this sees it taken.
    conversation = Conversation.objects.select_for_update().get(pk=reply.conversation_id)
    if not conversation.is_answered_by_bot:
        raise NotRetryable
    later = Message.objects.filter(
        conversation=reply.conversation_id,
        seq__gt=reply.seq,
        role__in=[Message.Role.CUSTOMER, Message.Role.ASSISTANT],
    )
    retryable = Message.objects.filter(
        ~Exists(later),
        pk=reply.pk,
        role=Message.Role.ASSISTANT,
        status__in=[Status.FAILED, Status.CANCELLED],
    ).exclude(code=TAKEN_OVER)
    requeued = retryable.update(
        status=Status.PENDING,
        text="",
        code="",
        queued_at=timezone.now(),
        attempts_left=settings.CHAT_MAX_ATTEMPTS,
    )
    if not requeued:
        raise NotRetryable
    publishing.call_runners("wake")
    reply = message_with_relations(reply.pk)
    publishing.announce_message("message.requeued", reply)
    trail.answered(reply)
    return reply


def recover_expired() -> int:
    """Put replies whose runner fell silent back into the queue; returns how many."""
    expired = Message.objects.filter(status=Status.GENERATING, lease_until__lt=timezone.now())
    recovered = 0
    for message in with_relations(expired):
        lost = Claim(message, message.lease_owner, message.attempt)
        recovered += settle_failed(lost, code="attempts_exhausted", retryable=True)
    return recovered


def fail_overdue() -> int:
    """Mark replies that nobody took in time as failed; returns how many."""
    patience = timedelta(seconds=settings.CHAT_REPLY_DEADLINE_SECONDS)
    overdue = Message.objects.filter(status=Status.PENDING, queued_at__lt=timezone.now() - patience)
    failed = 0
    for message in with_relations(overdue):
        with transaction.atomic():
            if Message.objects.filter(pk=message.pk, status=Status.PENDING).update(
                status=Status.FAILED, code="overdue"
            ):
                message.status, message.code = Status.FAILED, "overdue"
                publishing.announce_message("message.failed", message)
                trail.answered(message)
                failed += 1
    return failed


@transaction.atomic
def _settle(claim: Claim, kind: str, **changes: object) -> bool:
    settled = _held(claim).update(lease_until=None, lease_owner="", **changes)
    if settled:
        for field, value in changes.items():
            setattr(claim.message, field, value)
        publishing.announce_message(kind, claim.message)
        publishing.call_runners("wake")
        if claim.message.is_settled:
            trail.answered(claim.message)
    return bool(settled)


def _held(claim: Claim) -> QuerySet[Message]:
    return Message.objects.filter(
        pk=claim.message.pk,
        status=Status.GENERATING,
        lease_owner=claim.owner,
        attempt=claim.attempt,
    )


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.CHAT_LEASE_SECONDS)

"""The queue of suggestions for agents: taken by runners that have nothing else to do.

Like the queue of replies, and apart from it: no customer waits for one, so each is tried once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from chat.inbox.presentation import suggestion_data
from chat.models import CuratedAnswer, Deployment, Message, Suggestion
from chat.services import publishing

Status = Suggestion.Status
WORTH_SECONDS = 120
"""An agent has written something else by then."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """What the bot would say, and how it came about."""

    text: str
    source: str
    deployment: Deployment | None = None
    curated_answer: CuratedAnswer | None = None
    confidence: float | None = None


def claim(*, owner: str, without_bots: Collection[int] = frozenset()) -> Suggestion | None:
    """Take the oldest suggestion that waits, or whose runner was lost."""
    now = timezone.now()
    waiting = Suggestion.objects.filter(
        Q(status=Status.PENDING) | Q(status=Status.WRITING, lease_until__lt=now),
        created_at__gt=now - timedelta(seconds=WORTH_SECONDS),
    ).exclude(conversation__bot__in=without_bots)
    pk = waiting.order_by("id").values_list("pk", flat=True).first()
    if pk is None:
        return None
    taken = waiting.filter(pk=pk).update(
        status=Status.WRITING,
        lease_owner=owner,
        lease_until=now + timedelta(seconds=4 * settings.CHAT_LEASE_SECONDS),
    )
    if not taken:
        return None
    return Suggestion.objects.select_related("conversation__bot", "question").get(pk=pk)


def as_reply(suggestion: Suggestion) -> Message:
    """The reply that the suggestion stands for. It has no row and never gets one."""
    return Message(
        public_id=suggestion.public_id,
        conversation=suggestion.conversation,
        seq=suggestion.question.seq + 1,
        role=Message.Role.ASSISTANT,
        reply_to=suggestion.question,
    )


@transaction.atomic
def settle(suggestion: Suggestion, drafted: Drafted | None) -> bool:
    """Show it to the agent, or say that there is none. False: it is no longer this runner's."""
    suggestion.status = Status.READY if drafted else Status.FAILED
    if drafted:
        suggestion.text, suggestion.source = drafted.text, drafted.source
        suggestion.deployment, suggestion.curated_answer = (
            drafted.deployment,
            drafted.curated_answer,
        )
        suggestion.confidence = drafted.confidence
    settled = _held(suggestion).update(
        status=suggestion.status,
        text=suggestion.text,
        source=suggestion.source,
        deployment=suggestion.deployment,
        curated_answer=suggestion.curated_answer,
        confidence=suggestion.confidence,
        lease_until=None,
    )
    if settled:
        publishing.announce_to_staff(
            suggestion.conversation,
            {"type": "suggestion.changed", "suggestion": suggestion_data(suggestion)},
        )
    return bool(settled)


def release(suggestion: Suggestion) -> bool:
    """Give it back to the queue, so that a customer's reply gets its seat."""
    return bool(_held(suggestion).update(status=Status.PENDING, lease_owner="", lease_until=None))


def _held(suggestion: Suggestion) -> QuerySet[Suggestion]:
    return Suggestion.objects.filter(
        pk=suggestion.pk, status=Status.WRITING, lease_owner=suggestion.lease_owner
    )

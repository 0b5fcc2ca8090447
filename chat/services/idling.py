"""Conversations in which nobody says anything any more."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from chat.models import Conversation, Message
from chat.services import takeover
from chat.services.transcript import OPEN_STATUSES, ConversationClosed

MOST_AT_ONCE = 500


def close_idle() -> int:
    """Close what was quiet for ``CHAT_IDLE_CLOSE_HOURS``; returns how many. Nobody who waits for a
    person or for an answer is sent away."""
    if not settings.CHAT_IDLE_CLOSE_HOURS:
        return 0
    quiet_since = timezone.now() - timedelta(hours=settings.CHAT_IDLE_CLOSE_HOURS)
    idle = (
        Conversation.objects.filter(
            status__in=[Conversation.Status.OPEN, Conversation.Status.TAKEN],
            updated_at__lt=quiet_since,
            last_seq__gt=0,
            bot__is_active=True,
            # What a server leads by the API has no end of its own.
            visitor__token_hash__isnull=False,
        )
        .exclude(pk__in=Message.objects.filter(status__in=OPEN_STATUSES).values("conversation"))
        .order_by("pk")[:MOST_AT_ONCE]
    )
    closed = 0
    for conversation in idle:
        try:
            takeover.close(conversation)
        except ConversationClosed:
            continue
        closed += 1
    return closed

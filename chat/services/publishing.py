"""Tells watchers and runners that something changed.

A hint, never the only copy: the channel layer is at-most-once, so a call that cannot be
delivered is logged and forgotten. Watchers resume from the database, runners sweep it.
"""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from chat.events import ConversationChanged, FeedbackRecorded, MessageEvent
from chat.models import Conversation, Feedback, Message
from chat.presentation import conversation_data, feedback_data, message_data

logger = logging.getLogger(__name__)

RUNNERS_GROUP = "runners"


def announce_message(kind: str, message: Message, *, is_new: bool = False) -> None:
    """After commit, send ``kind`` with the message as it is now.

    The customer waits for this, so nothing is asked of the database again: the message comes
    with its relations loaded (:func:`chat.selectors.with_relations`) or is new.
    """
    event: MessageEvent = {
        "type": kind,  # type: ignore[typeddict-item]  # the callers' literals
        "seq": message.seq,
        "message": message_data(message, is_new=is_new),
    }
    group = message.conversation.group
    transaction.on_commit(lambda: group_send(group, "event", {"frame": event}))


def announce_feedback(message: Message, feedback: Feedback | None) -> None:
    """After commit, send the thumbs that the message now has."""
    event: FeedbackRecorded = {
        "type": "feedback.recorded",
        "message_id": str(message.public_id),
        "feedback": feedback_data(feedback),
    }
    group = message.conversation.group
    transaction.on_commit(lambda: group_send(group, "event", {"frame": event}))


def announce_conversation(conversation: Conversation) -> None:
    """After commit, send the conversation's new state."""
    event: ConversationChanged = {
        "type": "conversation.changed",
        "conversation": conversation_data(conversation),
    }
    transaction.on_commit(lambda: group_send(conversation.group, "event", {"frame": event}))


def call_runners(kind: str, **fields: Any) -> None:
    """After commit, ring the runners: ``wake``, ``cancelled`` or ``repeat``."""
    transaction.on_commit(lambda: group_send(RUNNERS_GROUP, f"runner.{kind}", fields))


def group_send(group: str, kind: str, fields: dict[str, Any]) -> None:
    """Send to a channel-layer group, or log that it could not be reached."""
    layer = get_channel_layer()
    assert layer is not None
    try:
        async_to_sync(layer.group_send)(group, {"type": kind, **fields})
    except (RedisError, OSError, TimeoutError) as error:
        logger.warning(
            "channel layer unreachable (%s): %s not announced", type(error).__name__, kind
        )

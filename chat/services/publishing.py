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


def announce(conversation: Conversation, frame: object) -> None:
    """After commit, send a frame to everybody who watches the conversation, and tell the inbox."""
    transaction.on_commit(lambda: _send_to_watchers(conversation, frame))


def announce_to_staff(conversation: Conversation, frame: object) -> None:
    """After commit, send a frame to the agents who watch the conversation, and to no customer."""
    fields = {"conversation": str(conversation.public_id), "frame": frame}
    transaction.on_commit(lambda: group_send(conversation.staff_group, "event", fields))


def tell_watchers(conversation: Conversation, frame: object) -> None:
    """At once, what is true for a moment and kept nowhere."""
    fields = {"conversation": str(conversation.public_id), "frame": frame}
    group_send(conversation.group, "event", fields)


def touch(conversation: Conversation) -> None:
    """After commit, tell the inbox alone that the conversation's line in it is another."""
    group, name = conversation.bot.inbox_group, str(conversation.public_id)
    transaction.on_commit(lambda: group_send(group, "touched", {"conversation": name}))


def hush(conversation: Conversation) -> None:
    """At once, before the commit that takes a reply from its runner: sockets show no more of any
    reply up to the newest message. What the runner says until it hears of it is lost on its way."""
    group_send(conversation.group, "hush", {"seq": conversation.last_seq})


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
    announce(message.conversation, event)


def announce_feedback(message: Message, feedback: Feedback | None) -> None:
    """After commit, send the thumbs that the message now has."""
    event: FeedbackRecorded = {
        "type": "feedback.recorded",
        "message_id": str(message.public_id),
        "feedback": feedback_data(feedback),
    }
    announce(message.conversation, event)


def announce_conversation(conversation: Conversation) -> None:
    """After commit, send the conversation's new state."""
    event: ConversationChanged = {
        "type": "conversation.changed",
        "conversation": conversation_data(conversation),
    }
    announce(conversation, event)


def call_runners(kind: str, **fields: Any) -> None:
    """After commit, ring the runners: ``wake``, ``cancelled`` or ``repeat``."""
    transaction.on_commit(lambda: group_send(RUNNERS_GROUP, f"runner.{kind}", fields))


def _send_to_watchers(conversation: Conversation, frame: object) -> None:
    name = str(conversation.public_id)
    group_send(conversation.group, "event", {"conversation": name, "frame": frame})
    group_send(conversation.bot.inbox_group, "touched", {"conversation": name})


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

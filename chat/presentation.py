"""Rows as the wire shows them. The only place that decides which fields leave the database."""

from django.contrib.auth.models import User
from django.utils import translation
from django.utils.translation import gettext as _

from chat.events import ConversationData, FeedbackData, MessageData
from chat.hours import is_open
from chat.models import Conversation, Feedback, Message
from chat.selectors import queue_position


def conversation_data(conversation: Conversation) -> ConversationData:
    """Costs one query while the customer waits for a person, else none when ``bot`` and ``agent``
    were loaded."""
    locale, agent = conversation.locale, conversation.agent
    return {
        "id": str(conversation.public_id),
        "status": conversation.status,  # type: ignore[typeddict-item]  # choices
        "locale": conversation.locale,
        "last_seq": conversation.last_seq,
        "created_at": conversation.created_at.isoformat(),
        "agent": {"name": agent_name(agent, locale)} if agent else None,
        "position": queue_position(conversation),
        "is_open_hours": is_open(conversation.bot.office_hours),
        "rating": conversation.rating,
    }


def agent_name(agent: User, locale: str) -> str:
    """How customers know an agent: never by the name that opens the console."""
    with translation.override(locale):
        return agent.get_full_name() or _("Customer service")


def message_data(message: Message, *, is_new: bool = False) -> MessageData:
    """Costs no query when its relations were loaded.

    Nobody has rated a message that ``is_new``, so its feedback is not even looked for.
    """
    return {
        "id": str(message.public_id),
        "seq": message.seq,
        "role": message.role,  # type: ignore[typeddict-item]  # choices
        "status": message.status,  # type: ignore[typeddict-item]  # choices
        "text": message.text,
        "client_message_id": str(message.client_message_id) if message.client_message_id else None,
        "reply_to": str(message.reply_to.public_id) if message.reply_to else None,
        "source": message.source,  # type: ignore[typeddict-item]  # choices
        "code": message.code,
        "suggestions": message.suggestions,
        "created_at": message.created_at.isoformat(),
        "feedback": None if is_new else feedback_data(getattr(message, "feedback", None)),
        "author": agent_name(message.author, message.conversation.locale)
        if message.author
        else None,
    }


def feedback_data(feedback: Feedback | None) -> FeedbackData | None:
    if feedback is None:
        return None
    return FeedbackData(
        value=feedback.value,  # type: ignore[typeddict-item]  # choices
        reasons=feedback.reasons,
        comment=feedback.comment,
    )


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units: what JavaScript calls ``length``."""
    return len(text) + sum(character > "\uffff" for character in text)

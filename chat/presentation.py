"""Rows as the wire shows them. The only place that decides which fields leave the database."""

from chat.events import ConversationData, FeedbackData, MessageData
from chat.models import Conversation, Feedback, Message


def conversation_data(conversation: Conversation) -> ConversationData:
    return {
        "id": str(conversation.public_id),
        "status": conversation.status,  # type: ignore[typeddict-item]  # choices
        "locale": conversation.locale,
        "last_seq": conversation.last_seq,
        "created_at": conversation.created_at.isoformat(),
    }


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

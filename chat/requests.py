"""What a socket may ask for, once it is authenticated: each request calls one service.

Synchronous, called in a thread. The conversation is the socket's own; messages are looked
up through the visitor, so a frame cannot name a foreign one.
"""

from collections.abc import Callable
from typing import Any

from chat import limits
from chat.access import access_conversation, access_message
from chat.events import Accepted, State
from chat.models import Conversation, Message
from chat.presentation import conversation_data, message_data
from chat.selectors import messages_after
from chat.services import conversations, left_messages, publishing, ratings, replies

Answer = dict[str, Any] | None


def resume(conversation: Conversation, fields: dict[str, Any]) -> State:
    """The state after ``after``; replies being written are asked to repeat themselves."""
    current = access_conversation(conversation.visitor, conversation.public_id)
    messages = messages_after(current, fields["after"])
    for message in messages:
        if message.status == Message.Status.GENERATING:
            publishing.call_runners("repeat", message_id=str(message.public_id))
    return {
        "type": "conversation.state",
        "conversation": conversation_data(current),
        "after": fields["after"],
        "messages": [message_data(message) for message in messages],
    }


def send(conversation: Conversation, fields: dict[str, Any]) -> Accepted:
    limits.hit("CHAT_RATE_MESSAGES_PER_VISITOR", str(conversation.visitor_id))
    posted = conversations.post_message(conversation, **fields)
    return {
        "type": "message.accepted",
        "client_message_id": str(fields["client_message_id"]),
        "message_id": str(posted.message.public_id),
        "seq": posted.message.seq,
    }


def cancel(conversation: Conversation, fields: dict[str, Any]) -> None:
    replies.cancel(access_message(conversation.visitor, fields["message_id"]))


def retry(conversation: Conversation, fields: dict[str, Any]) -> None:
    limits.hit("CHAT_RATE_MESSAGES_PER_VISITOR", str(conversation.visitor_id))
    replies.retry(access_message(conversation.visitor, fields["message_id"]))


def give_feedback(conversation: Conversation, fields: dict[str, Any]) -> None:
    limits.hit("CHAT_RATE_MESSAGES_PER_VISITOR", str(conversation.visitor_id))
    fields = dict(fields)
    message = access_message(conversation.visitor, fields.pop("message_id"))
    conversations.give_feedback(message, **fields)


def request_person(conversation: Conversation, fields: dict[str, Any]) -> None:
    conversations.request_person(conversation)


def rate(conversation: Conversation, fields: dict[str, Any]) -> None:
    limits.hit("CHAT_RATE_MESSAGES_PER_VISITOR", str(conversation.visitor_id))
    ratings.rate(conversation, **fields)


def leave_message(conversation: Conversation, fields: dict[str, Any]) -> None:
    limits.hit("CHAT_RATE_LEFT_MESSAGES_PER_VISITOR", str(conversation.visitor_id))
    left_messages.leave(conversation, **fields)


def customer_typing(conversation: Conversation, fields: dict[str, Any]) -> None:
    """For agents who look at it now: nothing is kept."""
    publishing.announce_to_staff(conversation, {"type": "customer.typing"})


def ping(conversation: Conversation, fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "pong"}


REQUESTS: dict[str, Callable[[Conversation, dict[str, Any]], Any]] = {
    "conversation.resume": resume,
    "message.send": send,
    "reply.cancel": cancel,
    "reply.retry": retry,
    "feedback.give": give_feedback,
    "person.request": request_person,
    "customer.typing": customer_typing,
    "conversation.rate": rate,
    "conversation.leave_message": leave_message,
    "ping": ping,
}

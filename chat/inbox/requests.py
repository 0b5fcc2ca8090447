"""What the inbox's socket may ask: each request calls one service.

Synchronous, called in a thread. A conversation is looked up through the agent each time, so that
a foreign id and one that does not exist are the same, and so is one that is foreign by now.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth.models import User

from chat.access import NotFound, access_conversation_of, bots_of
from chat.inbox import rows
from chat.inbox.events import CannedData, Opened, PersonData, Suggested
from chat.inbox.presentation import left_data, note_data, person_data, suggestion_data
from chat.models import CannedReply, Conversation, LeftMessage, Note
from chat.presentation import message_data
from chat.selectors import messages_after
from chat.services import agents, left_messages, publishing, takeover
from chat.services.agents import Basis

Answer = dict[str, Any] | None
ASSIGN = "chat.assign_conversation"
MOST_CANNED = 300


class MayNot(Exception):
    """The agent lacks the right for this one thing."""


def open_conversation(user: User, fields: dict[str, Any]) -> Opened:
    """Everything there is to see of one conversation. Whoever looks has read it."""
    conversation = access_conversation_of(user, fields["id"])
    row = rows.row_of(user, conversation.public_id)
    if row is None:
        raise NotFound
    suggestion = conversation.suggestions.filter(use="").order_by("-id").first()
    return {
        "type": "conversation.opened",
        "conversation": row,
        "messages": [message_data(each) for each in messages_after(conversation, 0)],
        "notes": [note_data(each) for each in _notes(conversation)],
        "canned": canned_replies(conversation),
        "left_messages": [left_data(each) for each in conversation.left_messages.all()],
        "earlier": rows.earlier(user, conversation),
        "colleagues": colleagues(conversation) if user.has_perm(ASSIGN) else [],
        "suggestion": suggestion_data(suggestion) if suggestion else None,
        "may_assign": user.has_perm(ASSIGN),
    }


def take(user: User, fields: dict[str, Any]) -> None:
    takeover.take_over(access_conversation_of(user, fields["id"]), by=user)


def hand_back(user: User, fields: dict[str, Any]) -> None:
    conversation = access_conversation_of(user, fields["id"])
    takeover.hand_back(conversation, by=user, may_override=user.has_perm(ASSIGN))


def close(user: User, fields: dict[str, Any]) -> None:
    conversation = access_conversation_of(user, fields["id"])
    takeover.close(conversation, by=user, may_override=user.has_perm(ASSIGN))


def assign(user: User, fields: dict[str, Any]) -> None:
    conversation = access_conversation_of(user, fields["id"])
    if not user.has_perm(ASSIGN):
        raise MayNot
    to = User.objects.filter(pk=fields["to"], is_active=True).first()
    if to is None:
        raise takeover.CannotAnswer
    takeover.assign(conversation, to=to, by=user)


def read(user: User, fields: dict[str, Any]) -> None:
    agents.mark_read(access_conversation_of(user, fields["id"]), seq=fields["seq"])


def agent_typing(user: User, fields: dict[str, Any]) -> None:
    conversation = access_conversation_of(user, fields["id"])
    if conversation.status == Conversation.Status.TAKEN and conversation.agent_id == user.pk:
        publishing.tell_watchers(conversation, {"type": "agent.typing"})


def send(user: User, fields: dict[str, Any]) -> dict[str, Any]:
    message = agents.post(
        access_conversation_of(user, fields["id"]),
        text=fields["text"],
        by=user,
        client_message_id=fields["client_message_id"],
        basis=Basis(fields["suggestion"], fields["use"], fields["canned"]),
    )
    return {
        "type": "message.accepted",
        "client_message_id": str(fields["client_message_id"]),
        "message_id": str(message.public_id),
        "seq": message.seq,
    }


def add_note(user: User, fields: dict[str, Any]) -> None:
    agents.add_note(access_conversation_of(user, fields["id"]), text=fields["text"], by=user)


def suggest(user: User, fields: dict[str, Any]) -> Suggested:
    suggestion = agents.suggest(access_conversation_of(user, fields["id"]), by=user)
    return {
        "type": "reply.suggested",
        "conversation": str(fields["id"]),
        "suggestion": suggestion_data(suggestion),
    }


def ignore_suggestion(user: User, fields: dict[str, Any]) -> None:
    conversation = access_conversation_of(user, fields["id"])
    agents.ignore_suggestion(conversation, suggestion=fields["suggestion"], by=user)


def answered(user: User, fields: dict[str, Any]) -> None:
    left_messages.mark_answered(_left(user, fields), by=user)


def ping(user: User, fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "pong"}


def canned_replies(conversation: Conversation) -> list[CannedData]:
    """Those for the customer's language, of the bot and of all bots; the bot's own first."""
    found = CannedReply.objects.filter(is_active=True, locale=conversation.locale).filter(
        bot__in=[conversation.bot_id]
    ) | CannedReply.objects.filter(is_active=True, locale=conversation.locale, bot=None)
    return [
        {"id": each.pk, "shortcut": each.shortcut, "text": each.text}
        for each in _bots_own(found[:MOST_CANNED])
    ]


def colleagues(conversation: Conversation) -> list[PersonData]:
    """Everybody who may answer in this conversation, by name."""
    able = User.objects.with_perm(
        "chat.answer_conversation",
        is_active=True,
        backend="django.contrib.auth.backends.ModelBackend",
    ).filter(is_staff=True)
    found = [each for each in able if bots_of(each).filter(pk=conversation.bot_id).exists()]
    return sorted(map(person_data, found), key=lambda person: person["name"])


def _bots_own(replies: Iterable[CannedReply]) -> list[CannedReply]:
    """One of each name: what a bot says itself stands in for what all say."""
    found: dict[str, CannedReply] = {}
    for each in replies:
        if each.shortcut not in found or each.bot_id:
            found[each.shortcut] = each
    return list(found.values())


def _notes(conversation: Conversation) -> Iterable[Note]:
    return conversation.notes.select_related("author")


def _left(user: User, fields: dict[str, Any]) -> LeftMessage:
    conversation = access_conversation_of(user, fields["id"])
    left = conversation.left_messages.filter(public_id=fields["left"]).first()
    if left is None:
        raise NotFound
    left.conversation = conversation
    return left


REQUESTS: dict[str, Callable[[User, dict[str, Any]], Any]] = {
    "conversation.open": open_conversation,
    "conversation.take": take,
    "conversation.hand_back": hand_back,
    "conversation.close": close,
    "conversation.assign": assign,
    "conversation.read": read,
    "agent.typing": agent_typing,
    "message.send": send,
    "note.add": add_note,
    "reply.suggest": suggest,
    "suggestion.ignore": ignore_suggestion,
    "left_message.answered": answered,
    "ping": ping,
}

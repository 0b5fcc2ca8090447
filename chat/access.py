"""The only door to rows for somebody from outside.

Every function starts from the principal, so that a foreign id and one that does not exist
are the same thing: :class:`NotFound`.
"""

import uuid

from django.utils import timezone

from chat import tokens
from chat.models import ApiKey, Bot, Conversation, Message, SocketTicket, Visitor
from chat.selectors import with_relations


class NotFound(Exception):
    """There is no such row for this principal."""


class Unauthenticated(Exception):
    """The secret is missing, wrong, spent or expired."""


def access_bot(public_id: object) -> Bot:
    """The active bot that anyone may start to talk to."""
    bot = Bot.objects.filter(public_id=_uuid(public_id), is_active=True).first()
    if bot is None:
        raise NotFound
    return bot


def access_visitor(token: str) -> Visitor:
    """The visitor whose token this is."""
    visitor = (
        Visitor.objects.select_related("bot")
        .filter(token_hash=tokens.digest(token), bot__is_active=True)
        .first()
    )
    if visitor is None:
        raise Unauthenticated
    return visitor


def access_api_key(key: str) -> ApiKey:
    """The API key in force whose secret this is."""
    api_key = (
        ApiKey.objects.select_related("bot")
        .filter(key_hash=tokens.digest(key), revoked_at=None, bot__is_active=True)
        .first()
    )
    if api_key is None:
        raise Unauthenticated
    return api_key


def access_conversation(visitor: Visitor, public_id: object) -> Conversation:
    """One of the visitor's own conversations."""
    conversation = (
        visitor.conversations.select_related("bot", "visitor", "agent")
        .filter(public_id=_uuid(public_id))
        .first()
    )
    if conversation is None:
        raise NotFound
    return conversation


def access_message(visitor: Visitor, public_id: object) -> Message:
    """One message of the visitor's own conversations."""
    message = (
        with_relations(Message.objects.all())
        .filter(conversation__visitor=visitor, public_id=_uuid(public_id))
        .first()
    )
    if message is None:
        raise NotFound
    return message


def redeem_ticket(ticket: str) -> Conversation:
    """The conversation that the ticket opens; a second call with it is refused."""
    ticket_hash = tokens.digest(ticket)
    now = timezone.now()
    spent = SocketTicket.objects.filter(
        ticket_hash=ticket_hash,
        spent_at=None,
        expires_at__gt=now,
        conversation__bot__is_active=True,
    ).update(spent_at=now)
    if not spent:
        raise Unauthenticated
    return Conversation.objects.select_related("bot", "visitor", "agent").get(
        tickets__ticket_hash=ticket_hash
    )


def _uuid(value: object) -> uuid.UUID:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        raise NotFound from None


def access_server_conversation(bot: Bot, public_id: object) -> Conversation:
    """A conversation that a server began through the API: never one of a widget's visitors."""
    conversation = (
        bot.conversations.select_related("bot", "visitor")
        .filter(public_id=_uuid(public_id), visitor__token_hash=None)
        .first()
    )
    if conversation is None:
        raise NotFound
    return conversation

"""The only door to rows for somebody from outside.

Every function starts from the principal, so that a foreign id and one that does not exist
are the same thing: :class:`NotFound`.
"""

import uuid

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import connection
from django.db.models import (
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    UUIDField,
    Value,
)
from django.db.models.functions import Cast, Replace
from django.utils import timezone

from chat import tokens
from chat.models import (
    ApiKey,
    Bot,
    BotGrant,
    BotGroupGrant,
    Conversation,
    LeftMessage,
    Message,
    SocketTicket,
    Visitor,
)
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


def access_visitor_of(bot: Bot, public_id: object) -> Visitor:
    """A visitor of the bot, for its own server. Raises :class:`NotFound`."""
    visitor = bot.visitors.filter(public_id=_uuid(public_id)).first()
    if visitor is None:
        raise NotFound
    return visitor


Staff = AbstractBaseUser | AnonymousUser
"""Whoever asks from the console. What somebody may do there is asked of permissions; this
module answers where."""

_WORKS_ON = {"permission__codename": "work_on_bot"}


def bots_of(user: Staff) -> QuerySet[Bot]:
    """The bots that somebody works on: all of them, or those granted to them or to a group of theirs.

    Nobody who is disabled works on any.
    """
    if not (isinstance(user, User) and user.is_active):
        return Bot.objects.none()
    if user.has_perm("chat.work_on_all_bots"):
        return Bot.objects.all()
    return Bot.objects.filter(
        Q(pk__in=BotGrant.objects.filter(user=user, **_WORKS_ON).values("content_object"))
        | Q(
            pk__in=BotGroupGrant.objects.filter(group__user=user, **_WORKS_ON).values(
                "content_object"
            )
        )
    )


def conversations_of(user: Staff) -> QuerySet[Conversation]:
    """The conversations with those bots."""
    return Conversation.objects.filter(bot__in=bots_of(user))


def access_left_message_of(user: User, public_id: object) -> LeftMessage:
    """A message that was left in one of those conversations. Raises :class:`NotFound`."""
    left = (
        LeftMessage.objects.filter(
            public_id=_uuid(public_id), conversation__in=conversations_of(user)
        )
        .select_related("conversation__bot")
        .first()
    )
    if left is None:
        raise NotFound
    return left


def within_scope_of(user: Staff) -> Q:
    """A condition on ``scope``, the name that moderation gives a conversation.

    What names none (a checked text of a server, or of a file) is for those who see all bots.
    """
    if isinstance(user, User) and user.is_active and user.has_perm("chat.work_on_all_bots"):
        return Q()
    conversations = conversations_of(user)
    if connection.vendor == "sqlite":
        # UUIDs are kept without hyphens there.
        bare = Replace(OuterRef("scope"), Value("-"), Value(""))
        found = conversations.filter(public_id=ExpressionWrapper(bare, output_field=UUIDField()))
    else:
        found = conversations.annotate(named=Cast("public_id", TextField())).filter(
            named=OuterRef("scope")
        )
    return Q(Exists(found))


def access_conversation_of(user: Staff, public_id: object) -> Conversation:
    """One conversation with a bot of theirs. Raises :class:`NotFound`."""
    conversation = (
        conversations_of(user)
        .select_related("bot", "visitor", "agent")
        .filter(public_id=_uuid(public_id))
        .first()
    )
    if conversation is None:
        raise NotFound
    return conversation

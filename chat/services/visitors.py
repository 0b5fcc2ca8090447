"""A visitor comes in: token, conversation, socket ticket."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from chat import tokens
from chat.models import ApiKey, Bot, Conversation, SocketTicket, Visitor
from moderation.findings import Direction
from moderation.services import audit
from moderation.services.screening import screen

TICKET_SECONDS = 30
PAGE_CHARACTERS = 300


@transaction.atomic
def register_visitor(bot: Bot) -> tuple[Visitor, str]:
    """A new visitor and the token that only they will know."""
    token, token_hash = tokens.make()
    visitor = Visitor.objects.create(bot=bot, token_hash=token_hash)
    audit.record("visitor.registered", target=f"visitor:{visitor.public_id}", bot=bot.slug)
    return visitor, token


@transaction.atomic
def start_conversation(visitor: Visitor, *, locale: str, page: str = "") -> Conversation:
    """A new, empty conversation of the visitor with their bot, begun on ``page``."""
    conversation = Conversation(bot=visitor.bot, visitor=visitor, locale=locale)
    if page:
        conversation.page = screen(
            _page(page), Direction.INBOUND, scope=str(conversation.public_id)
        ).text[:PAGE_CHARACTERS]
    conversation.save()
    audit.record(
        "conversation.started",
        target=f"conversation:{conversation.public_id}",
        bot=conversation.bot.slug,
        facts={"visitor": str(visitor.public_id), "locale": locale},
    )
    return conversation


def _page(address: str) -> str:
    """The address as far as it names a page: what follows a question mark may name people."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = parts.hostname + (f":{port}" if port else "")
    return f"{parts.scheme}://{host}{parts.path}"[:PAGE_CHARACTERS]


@transaction.atomic
def start_server_conversation(bot: Bot, *, locale: str) -> Conversation:
    """A conversation that a company's server leads: its visitor has no token."""
    return start_conversation(Visitor.objects.create(bot=bot), locale=locale)


def issue_ticket(conversation: Conversation) -> str:
    """A ticket that opens one socket on the conversation within ``TICKET_SECONDS``."""
    ticket, ticket_hash = tokens.make()
    SocketTicket.objects.create(
        conversation=conversation,
        ticket_hash=ticket_hash,
        expires_at=timezone.now() + timedelta(seconds=TICKET_SECONDS),
    )
    return ticket


def delete_spent_tickets() -> int:
    """Forget tickets that open nothing any more; returns how many."""
    deleted, _ = SocketTicket.objects.filter(expires_at__lt=timezone.now()).delete()
    return deleted


@transaction.atomic
def issue_api_key(bot: Bot, *, name: str) -> tuple[ApiKey, str]:
    """A new key for a company's server, and its secret, which is shown once."""
    key, key_hash = tokens.make()
    issued = ApiKey.objects.create(bot=bot, name=name, prefix=key[:8], key_hash=key_hash)
    audit.record("api_key.issued", target=f"api-key:{issued.prefix}", bot=bot.slug)
    return issued, key

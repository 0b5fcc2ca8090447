"""What agents do in a conversation that they may see."""

import functools
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat import ready
from chat.answer_cache import AnswerCache
from chat.inbox.presentation import note_data
from chat.models import Conversation, Message, Note, Suggestion
from chat.services import publishing
from chat.services.conversations import InvalidText, clean_text
from chat.services.takeover import NotTaken
from chat.services.transcript import append, locked
from moderation.actors import Actor
from moderation.findings import Direction
from moderation.services import audit
from moderation.services.screening import screen

AGAIN_AFTER = timedelta(seconds=60)
"""A suggestion that is still not there by then was lost: it may be asked for anew."""


class NothingToAnswer(Exception):
    """The customer has not said anything that a suggestion could answer."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What an agent's message was made from: a suggestion and its use, or a canned reply."""

    suggestion: uuid.UUID | None = None
    use: str = ""
    canned: int | None = None


@transaction.atomic
def post(
    conversation: Conversation,
    *,
    text: str,
    by: User,
    client_message_id: uuid.UUID | None = None,
    basis: Basis | None = None,
) -> Message:
    """Say something to the customer. Idempotent on ``client_message_id``.

    Only the agent who has the conversation may: the customer hears one voice. Raises
    :class:`~chat.services.takeover.NotTaken`, and :class:`InvalidText` for what moderation blocks.
    """
    text = clean_text(text)
    conversation = locked(conversation)
    if client_message_id is not None:
        known = conversation.messages.filter(client_message_id=client_message_id).first()
        if known is not None:
            return known
    if conversation.status != Conversation.Status.TAKEN or conversation.agent_id != by.pk:
        raise NotTaken
    public_id = uuid.uuid4()
    verdict = screen(
        text, Direction.OUTBOUND, scope=str(conversation.public_id), reference=str(public_id)
    )
    if verdict.is_blocked:
        raise InvalidText(_("Moderation does not let this pass. Please say it in other words."))
    message = append(
        conversation,
        public_id=public_id,
        role=Message.Role.AGENT,
        source=Message.Source.AGENT,
        text=verdict.text,
        author=by,
        client_message_id=client_message_id,
        match=_basis_facts(conversation, basis) if basis else {},
    )
    mark_read(conversation, seq=message.seq)
    audit.record(
        "message.sent_by_agent",
        target=f"message:{public_id}",
        bot=conversation.bot.slug,
        facts={"conversation": str(conversation.public_id), **message.match},
        by=Actor.of(by),
    )
    return message


@transaction.atomic
def add_note(conversation: Conversation, *, text: str, by: User) -> Note:
    """Tell other agents something, in any conversation, closed ones too. Masked like messages.

    Raises :class:`InvalidText`.
    """
    text = clean_text(text)
    conversation = locked(conversation)
    verdict = screen(text, Direction.INBOUND, scope=str(conversation.public_id))
    note = Note.objects.create(conversation=conversation, author=by, text=verdict.text)
    publishing.announce_to_staff(conversation, {"type": "note.added", "note": note_data(note)})
    audit.record(
        "note.added",
        target=f"note:{note.public_id}",
        bot=conversation.bot.slug,
        facts={"conversation": str(conversation.public_id)},
        by=Actor.of(by),
    )
    return note


def mark_read(conversation: Conversation, *, seq: int) -> None:
    """Somebody has read up to ``seq``. Reading is no change of the conversation."""
    read = Conversation.objects.filter(pk=conversation.pk, seen_seq__lt=seq, last_seq__gte=seq)
    if read.update(seen_seq=seq):
        publishing.touch(conversation)


@transaction.atomic
def suggest(conversation: Conversation, *, by: User) -> Suggestion:
    """Ask the bot what it would say to the customer's last message, for ``by`` alone.

    What exists already is there at once; else a runner writes it when no customer waits for one.
    Asking again while it is being written changes nothing. Raises :class:`NothingToAnswer`.
    """
    conversation = locked(conversation)
    question = (
        conversation.messages.filter(role=Message.Role.CUSTOMER, status=Message.Status.SENT)
        .order_by("-seq")
        .first()
    )
    if question is None:
        raise NothingToAnswer
    running = conversation.suggestions.filter(
        question=question,
        status__in=[Suggestion.Status.PENDING, Suggestion.Status.WRITING],
        created_at__gt=timezone.now() - AGAIN_AFTER,
    ).first()
    if running is not None:
        return running
    suggestion = Suggestion(conversation=conversation, question=question, requested_by=by)
    question.conversation = conversation
    if found := ready.instant(question, _cache()):
        answer, suggestion.deployment = found
        suggestion.status = Suggestion.Status.READY
        suggestion.text, suggestion.source = answer.text, answer.source
        suggestion.curated_answer = answer.answer
    suggestion.save()
    if suggestion.status == Suggestion.Status.PENDING:
        publishing.call_runners("wake")
    audit.record(
        "suggestion.requested",
        target=f"suggestion:{suggestion.public_id}",
        bot=conversation.bot.slug,
        facts={"conversation": str(conversation.public_id)},
        by=Actor.of(by),
    )
    return suggestion


@transaction.atomic
def ignore_suggestion(conversation: Conversation, *, suggestion: uuid.UUID, by: User) -> bool:
    """The agent wants none of it. False: there is no such suggestion, or it was used."""
    ignored = conversation.suggestions.filter(public_id=suggestion, use="").update(
        use=Suggestion.Use.IGNORED
    )
    if ignored:
        audit.record(
            "suggestion.ignored",
            target=f"suggestion:{suggestion}",
            bot=conversation.bot.slug,
            by=Actor.of(by),
        )
    return bool(ignored)


def _basis_facts(conversation: Conversation, basis: Basis) -> dict[str, Any]:
    """What is stored with the message of how it came about."""
    facts: dict[str, Any] = {"canned": basis.canned} if basis.canned else {}
    if basis.suggestion is None or not basis.use:
        return facts
    found = conversation.suggestions.filter(public_id=basis.suggestion).first()
    if found is not None:
        conversation.suggestions.filter(pk=found.pk).update(use=basis.use)
        facts |= {"suggestion": str(found.public_id), "use": basis.use, "source": found.source}
    return facts


@functools.cache
def _cache() -> AnswerCache:
    """One for the process: it keeps its connections."""
    return AnswerCache()

"""Messages left while nobody is there: how to reach a customer is for agents alone."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import Conversation, LeftMessage
from chat.services import publishing
from chat.services.conversations import InvalidText, clean_text
from chat.services.transcript import append_notice, locked
from moderation.actors import Actor
from moderation.findings import Direction
from moderation.services import audit, originals, subject_keys
from moderation.services.screening import screen

_PLACE = "left-message"


@transaction.atomic
def leave(conversation: Conversation, *, name: str, contact: str, text: str) -> LeftMessage:
    """Keep a message for people. ``contact`` is sealed with the conversation's key; name and text are masked.

    A message left in a conversation that has ended is kept as well. Raises
    :class:`~chat.services.conversations.InvalidText`, and
    :class:`~chat.services.transcript.ConversationClosed` for a conversation that was erased.
    """
    contact, text = clean_text(contact), clean_text(text)
    conversation = locked(conversation)
    scope = str(conversation.public_id)
    verdict = screen(text, Direction.INBOUND, scope=scope)
    name_verdict = screen(" ".join(name.split()), Direction.INBOUND, scope=scope)
    if verdict.is_blocked or name_verdict.is_blocked:
        raise InvalidText(_("Please say it in other words."))
    left = LeftMessage.objects.create(
        conversation=conversation,
        name=name_verdict.text,
        contact=subject_keys.seal(scope, contact, place=_PLACE),
        text=verdict.text,
    )
    originals.keep(contact, scope=scope)
    append_notice(conversation, code="left_message")
    publishing.announce_to_staff(conversation, {"type": "left_message.created"})
    audit.record(
        "left_message.created",
        target=f"left-message:{left.public_id}",
        bot=conversation.bot.slug,
        facts={"conversation": scope},
    )
    return left


@transaction.atomic
def reveal_contact(left: LeftMessage, *, by: User) -> str:
    """How to reach the customer, for somebody who answers. It is written down who asked."""
    audit.record(
        "left_message.contact_revealed",
        target=f"left-message:{left.public_id}",
        bot=left.conversation.bot.slug,
        by=Actor.of(by),
    )
    scope = str(left.conversation.public_id)
    return subject_keys.unseal(scope, bytes(left.contact), place=_PLACE)


@transaction.atomic
def mark_answered(left: LeftMessage, *, by: User) -> bool:
    """Note that somebody has seen to it. False: somebody had before."""
    changed = LeftMessage.objects.filter(pk=left.pk, answered_at=None).update(
        answered_at=timezone.now(), answered_by=by
    )
    if changed:
        publishing.announce_to_staff(left.conversation, {"type": "left_message.answered"})
        audit.record(
            "left_message.answered",
            target=f"left-message:{left.public_id}",
            bot=left.conversation.bot.slug,
            by=Actor.of(by),
        )
    return bool(changed)

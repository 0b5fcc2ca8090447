"""What a customer does in a conversation."""

import functools
import time
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat import ready
from chat.answer_cache import AnswerCache
from chat.events import TEXT_CHARACTERS
from chat.hours import is_open
from chat.models import Conversation, Dispute, Feedback, Message
from chat.selectors import last_customer_text
from chat.services import disputes, publishing, trail
from chat.services.handoffs import handoff_reason
from chat.services.transcript import (
    OPEN_STATUSES,
    ConversationClosed,
    append,
    append_notice,
    locked,
)
from moderation.current import current_policy
from moderation.findings import Direction
from moderation.services import audit
from moderation.services.screening import remainder, screen


class NotAnAnswer(Exception):
    """Thumbs are for what the bot or an agent said."""


class InvalidText(ValueError):
    """The text cannot be a message; the exception's text says why, to a person."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A customer's message, and whether this call stored it."""

    message: Message
    created: bool


def clean_text(text: str) -> str:
    """The text as it is stored. Raises :class:`InvalidText`."""
    text = text.strip()
    if not text:
        raise InvalidText(_("Write something first."))
    if len(text) > TEXT_CHARACTERS:
        raise InvalidText(
            _("Messages may have %(limit)d characters at most.") % {"limit": TEXT_CHARACTERS}
        )
    # No database and no UTF-8 frame can carry these.
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidText(_("The message contains characters that are not text."))
    return text


@transaction.atomic
def post_message(
    conversation: Conversation, *, text: str, client_message_id: uuid.UUID | None = None
) -> Posted:
    """Store the customer's message, moderated, and answer it: with what exists already, or with
    a reply that is put into the queue.

    What moderation blocks gets a notice instead of a reply, and while an agent has taken the conversation
    nothing of the bot's is said. Idempotent on ``client_message_id``. Raises :class:`InvalidText` and
    :class:`ConversationClosed`.
    """
    text = clean_text(text)
    conversation = locked(conversation)
    if client_message_id is not None:
        known = conversation.messages.filter(client_message_id=client_message_id).first()
        if known is not None:
            return Posted(known, created=False)
    if conversation.status == Conversation.Status.CLOSED:
        raise ConversationClosed
    public_id = uuid.uuid4()
    before = last_customer_text(conversation)
    began = time.perf_counter()
    verdict = screen(
        text,
        Direction.INBOUND,
        scope=str(conversation.public_id),
        reference=str(public_id),
        before=before,
    )
    took = round(time.perf_counter() - began, 4)
    question = append(
        conversation,
        public_id=public_id,
        role=Message.Role.CUSTOMER,
        status=Message.Status.WITHHELD if verdict.is_blocked else Message.Status.SENT,
        text=verdict.text,
        client_message_id=client_message_id,
        timings={"moderation": took},
    )
    if verdict.is_blocked:
        append_notice(conversation, code="not_accepted", reply_to=question)
    elif conversation.status == Conversation.Status.TAKEN or _answer_at_once(question):
        pass
    elif _queue_is_full(conversation):
        append_notice(conversation, code="busy", reply_to=question)
    else:
        _queue_reply(question)
    audit.record(
        "message.posted",
        target=f"message:{question.public_id}",
        bot=conversation.bot.slug,
        facts={"conversation": str(conversation.public_id), "status": question.status},
    )
    return Posted(question, created=True)


@transaction.atomic
def request_person(conversation: Conversation) -> Conversation:
    """Put the customer into the queue for a person, and note why. Asking twice changes nothing.

    Raises :class:`ConversationClosed`.
    """
    conversation = locked(conversation)
    if conversation.status == Conversation.Status.CLOSED:
        raise ConversationClosed
    if conversation.status == Conversation.Status.OPEN:
        conversation.status = Conversation.Status.WAITING
        conversation.waiting_since = timezone.now()
        conversation.handoff_reason = handoff_reason(conversation)
        conversation.save(update_fields=["status", "waiting_since", "handoff_reason", "updated_at"])
        is_there = is_open(conversation.bot.office_hours)
        append_notice(conversation, code="person_requested" if is_there else "out_of_hours")
        publishing.announce_conversation(conversation)
        audit.record(
            "person.requested",
            target=f"conversation:{conversation.public_id}",
            bot=conversation.bot.slug,
            facts={"reason": conversation.handoff_reason},
        )
    return conversation


@transaction.atomic
def give_feedback(message: Message, *, value: str, reasons: list[str], comment: str) -> Message:
    """Record the visitor's thumbs for a bot's or agent's message; ``none`` takes it back.

    A ready answer that is rejected is out of service at once; when it was not for the visitor's question,
    the bot tries again by itself. The comment is stored as moderation leaves it. Who says the same as
    before is told so, and nothing is screened or recorded again.

    Raises :class:`NotAnAnswer`.
    """
    if message.role not in (Message.Role.ASSISTANT, Message.Role.AGENT) or not message.is_settled:
        raise NotAnAnswer
    feedback = Feedback.objects.select_for_update().filter(message=message).first()
    keeps_comment = feedback is not None and value != "none" and _says(feedback, comment)
    if feedback is None:
        is_same = value == "none"
    else:
        is_same = keeps_comment and (feedback.value, feedback.reasons) == (value, reasons)
    if is_same:
        publishing.announce_feedback(message, feedback)
        return message
    is_other_question = value == "down" and Feedback.Reason.OTHER_QUESTION in reasons
    if value == "down":
        _dispute(message, is_other_question=is_other_question)
    else:
        disputes.withdraw(message)
    if value == "none":
        Feedback.objects.filter(message=message).delete()
        feedback = None
    else:
        if feedback is not None and keeps_comment:
            comment = feedback.comment
        else:
            comment = screen(
                comment,
                Direction.INBOUND,
                scope=str(message.conversation.public_id),
                reference=str(message.public_id),
            ).text
        feedback, _created = Feedback.objects.update_or_create(
            message=message,
            defaults={
                "visitor": message.conversation.visitor,
                "value": value,
                "reasons": reasons,
                "comment": comment,
            },
        )
    publishing.announce_feedback(message, feedback)
    audit.record(
        "feedback.given",
        target=f"message:{message.public_id}",
        bot=message.conversation.bot.slug,
        facts={"value": value, "reasons": reasons},
    )
    return message


def _says(feedback: Feedback, comment: str) -> bool:
    """Whether this comment is the one of which ``feedback`` keeps what moderation left."""
    scope = str(feedback.message.conversation.public_id)
    return feedback.comment == comment or feedback.comment == remainder(
        comment, Direction.INBOUND, scope=scope
    )


def _answer_at_once(question: Message) -> bool:
    """Answer with what exists already, if it does and nothing else is being answered."""
    found = ready.instant(question, _cache())
    conversation = question.conversation
    if found is None or conversation.messages.filter(status__in=OPEN_STATUSES).exists():
        return False
    answer, deployment = found
    reply = append(
        conversation,
        role=Message.Role.ASSISTANT,
        text=answer.text,
        source=answer.source,
        reply_to=question,
        deployment=deployment,
        curated_answer=answer.answer,
        match=answer.match,
        policy_version=current_policy().version,
    )
    trail.answered(reply)
    return True


def _queue_reply(question: Message) -> Message:
    # Before all others are told, so that runners begin meanwhile.
    publishing.call_runners("wake")
    return append(
        question.conversation,
        role=Message.Role.ASSISTANT,
        status=Message.Status.PENDING,
        reply_to=question,
        queued_at=timezone.now(),
        attempts_left=settings.CHAT_MAX_ATTEMPTS,
    )


def _dispute(message: Message, *, is_other_question: bool) -> None:
    is_known = Dispute.objects.filter(message=message, is_other_question=True).exists()
    dispute = disputes.open_dispute(message, is_other_question=is_other_question)
    if dispute is None or message.reply_to is None or not is_other_question or is_known:
        return
    conversation = locked(message.conversation)
    if message.seq == conversation.last_seq and conversation.is_answered_by_bot:
        message.reply_to.conversation = conversation
        _queue_reply(message.reply_to)


@functools.cache
def _cache() -> AnswerCache:
    """One for the process: it keeps its connections."""
    return AnswerCache()


def _queue_is_full(conversation: Conversation) -> bool:
    waiting = Message.objects.filter(
        status=Message.Status.PENDING, conversation__bot_id=conversation.bot_id
    )
    return waiting.count() >= settings.CHAT_QUEUE_LIMIT

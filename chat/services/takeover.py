"""Who answers: the bot, an agent, or nobody any more.

All of it happens under the lock of the conversation, under which customers' messages are stored,
too. From the commit of :func:`take_over` on the bot says nothing: replies that ran are taken from
their runners, which match no row any more, and no new one is queued.
"""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat.access import NotFound, access_conversation_of
from chat.models import Conversation
from chat.presentation import agent_name
from chat.services import publishing
from chat.services.replies import TAKEN_OVER
from chat.services.transcript import (
    ConversationClosed,
    announce_queue,
    append_notice,
    locked,
    silence,
)
from moderation.actors import Actor
from moderation.services import audit

Status = Conversation.Status
FIELDS = (
    "status", "agent", "waiting_since", "handoff_reason", "taken_at", "closed_at", "closed_by",
    "updated_at",
)  # fmt: skip


class NotTaken(Exception):
    """No agent has the conversation, or another one has."""


class AlreadyTaken(Exception):
    """Another agent was first."""


class CannotAnswer(Exception):
    """This person may not answer in this conversation."""


@transaction.atomic
def take_over(conversation: Conversation, *, by: User) -> Conversation:
    """From this commit on ``by`` answers and the bot is silent. Taking it twice changes nothing.

    Raises :class:`AlreadyTaken` and :class:`ConversationClosed`.
    """
    conversation = _locked_open(conversation)
    if conversation.status == Status.TAKEN:
        if conversation.agent_id == by.pk:
            return conversation
        raise AlreadyTaken
    before = conversation.status
    silenced = _give(conversation, by)
    audit.record(
        "conversation.taken_over",
        target=target_of(conversation),
        bot=conversation.bot.slug,
        facts={"before": before, "reason": conversation.handoff_reason, "silenced": silenced},
        by=Actor.of(by),
    )
    return conversation


@transaction.atomic
def assign(conversation: Conversation, *, to: User, by: User) -> Conversation:
    """Give the conversation to ``to``, who answers from then on, whoever did before.

    Raises :class:`CannotAnswer` when ``to`` may not, and :class:`ConversationClosed`.
    """
    conversation = _locked_open(conversation)
    if not may_answer(to, conversation):
        raise CannotAnswer
    before = conversation.agent_id
    if conversation.status == Status.TAKEN and before == to.pk:
        return conversation
    silenced = _give(conversation, to)
    audit.record(
        "conversation.assigned",
        target=target_of(conversation),
        bot=conversation.bot.slug,
        facts={"from": before, "to": to.pk, "silenced": silenced},
        by=Actor.of(by),
    )
    return conversation


@transaction.atomic
def hand_back(conversation: Conversation, *, by: User, may_override: bool = False) -> Conversation:
    """The bot answers again: what the customer says next, not what was said meanwhile.

    ``may_override``: what another agent has, too. Raises :class:`NotTaken` and
    :class:`ConversationClosed`.
    """
    conversation = _locked_open(conversation)
    if conversation.status != Status.TAKEN:
        raise NotTaken
    _refuse_others(conversation, by, may_override=may_override)
    agent, conversation.agent = conversation.agent, None
    conversation.status, conversation.taken_at = Status.OPEN, None
    conversation.save(update_fields=FIELDS)
    name = agent_name(agent or by, conversation.locale)
    append_notice(conversation, code="agent_left", name=name)
    publishing.announce_conversation(conversation)
    audit.record(
        "conversation.handed_back",
        target=target_of(conversation),
        bot=conversation.bot.slug,
        by=Actor.of(by),
    )
    return conversation


@transaction.atomic
def close(
    conversation: Conversation, *, by: User | None = None, may_override: bool = False
) -> Conversation:
    """Nobody answers any more. ``by`` is nobody when it ends because it was quiet for long.

    ``may_override``: what another agent has, too. Raises :class:`NotTaken`, and
    :class:`ConversationClosed` when it was closed before.
    """
    conversation = _locked_open(conversation)
    if by is not None:
        _refuse_others(conversation, by, may_override=may_override)
    before, silenced = conversation.status, silence(conversation, code="closed")
    conversation.status = Status.CLOSED
    conversation.waiting_since = None
    conversation.closed_at, conversation.closed_by = timezone.now(), by
    conversation.save(update_fields=FIELDS)
    append_notice(conversation, code="conversation_closed")
    publishing.announce_conversation(conversation)
    announce_queue(conversation.bot)
    audit.record(
        "conversation.closed",
        target=target_of(conversation),
        bot=conversation.bot.slug,
        facts={"before": before, "silenced": silenced},
        by=Actor.of(by) if by else None,
    )
    return conversation


def may_answer(user: User, conversation: Conversation) -> bool:
    """Whether the inbox of ``user`` shows this conversation and lets them answer."""
    if not user.has_perm("chat.answer_conversation"):
        return False
    try:
        access_conversation_of(user, conversation.public_id)
    except NotFound:
        return False
    return True


def _give(conversation: Conversation, agent: User) -> int:
    """``agent`` answers now; returns how many replies of the bot that ended."""
    silenced = silence(conversation, code=TAKEN_OVER)
    if conversation.status == Status.OPEN:
        conversation.handoff_reason = Conversation.HandoffReason.AGENT
    conversation.status, conversation.agent = Status.TAKEN, agent
    conversation.waiting_since, conversation.taken_at = None, timezone.now()
    conversation.save(update_fields=FIELDS)
    name = agent_name(agent, conversation.locale)
    append_notice(conversation, code="agent_joined", name=name)
    publishing.announce_conversation(conversation)
    announce_queue(conversation.bot)
    return silenced


def _refuse_others(conversation: Conversation, agent: User, *, may_override: bool) -> None:
    """Under the lock, for it may have been given to another agent since it was looked at."""
    is_others = conversation.status == Status.TAKEN and conversation.agent_id != agent.pk
    if is_others and not may_override:
        raise NotTaken


def _locked_open(conversation: Conversation) -> Conversation:
    conversation = locked(conversation)
    if conversation.status == Status.CLOSED:
        raise ConversationClosed
    return conversation


def target_of(conversation: Conversation) -> str:
    """How the audit trail names it."""
    return f"conversation:{conversation.public_id}"

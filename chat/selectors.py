"""Reads that more than one place needs."""

import uuid

from django.db import models
from django.db.models import QuerySet

from chat.models import (
    Bot,
    Conversation,
    CuratedAnswer,
    Deployment,
    Message,
    Shadow,
    Split,
    Visitor,
)
from chat.models.knowledge import CuratedAnswerQuerySet

DEMO_BOT_SLUG = "demo"


def active_bot(public_id: uuid.UUID) -> Bot | None:
    return Bot.objects.filter(public_id=public_id, is_active=True).first()


def demo_bot() -> Bot | None:
    return Bot.objects.filter(slug=DEMO_BOT_SLUG, is_active=True).first()


def visitor_conversations(visitor: Visitor, *, limit: int = 20) -> list[Conversation]:
    """The visitor's conversations, newest first."""
    found = visitor.conversations.select_related("bot", "agent").order_by("-id")
    return list(found[:limit])


def messages_after(conversation: Conversation, seq: int, *, limit: int = 500) -> list[Message]:
    """The newest ``limit`` messages numbered above ``seq``, in order."""
    newest = (
        conversation.messages.filter(seq__gt=seq)
        .select_related("reply_to", "feedback", "author", "conversation")
        .order_by("-seq")[:limit]
    )
    return list(reversed(newest))


def queue_position(conversation: Conversation) -> int | None:
    """The place among those of the bot who wait for a person, from 1; None for who does not."""
    if conversation.status != Conversation.Status.WAITING or conversation.waiting_since is None:
        return None
    before = models.Q(waiting_since__lt=conversation.waiting_since) | models.Q(
        waiting_since=conversation.waiting_since, pk__lt=conversation.pk
    )
    waiting = Conversation.objects.filter(
        bot_id=conversation.bot_id, status=Conversation.Status.WAITING
    )
    return waiting.filter(before).count() + 1


def message_with_relations(pk: int) -> Message:
    """One message with all that its presentation needs."""
    return with_relations(Message.objects.filter(pk=pk)).get()


def turns_before(reply: Message, *, limit: int) -> list[Message]:
    """What customer, bot and agents said up to the question of ``reply``, oldest first.

    The question is the last one. Failed replies, notices and what was withheld are no part of
    what was said.
    """
    said = reply.conversation.messages.filter(
        seq__lt=reply.seq,
        role__in=[Message.Role.CUSTOMER, Message.Role.ASSISTANT, Message.Role.AGENT],
        status__in=[Message.Status.SENT, Message.Status.CANCELLED],
    ).exclude(models.Q(text="") | models.Q(source=Message.Source.NOTICE))
    return list(reversed(said.order_by("-seq")[: limit + 1]))


def last_customer_text(conversation: Conversation) -> str:
    """What the customer wrote last, as it is stored; empty before the first message."""
    written = conversation.messages.filter(role=Message.Role.CUSTOMER).order_by("-seq")
    return written.values_list("text", flat=True).first() or ""


def recent_customer_texts(limit: int) -> list[str]:
    """What customers wrote last, as it is stored, newest first."""
    written = Message.objects.filter(role=Message.Role.CUSTOMER).order_by("-id")
    return list(written.values_list("text", flat=True)[:limit])


def is_first_question(question: Message) -> bool:
    """Whether nobody said anything before it: not the customer, and no agent either."""
    said = question.conversation.messages.filter(seq__lt=question.seq)
    return not said.exclude(role=Message.Role.NOTICE).exists()


def question_before(question: Message) -> str:
    """What the customer asked before ``question``, as it is stored; empty for the first one."""
    earlier = question.conversation.messages.filter(
        role=Message.Role.CUSTOMER, status=Message.Status.SENT, seq__lt=question.seq
    )
    return earlier.order_by("-seq").values_list("text", flat=True).first() or ""


def answers_given(question: Message) -> tuple[int, ...]:
    """The curated answers that the customer has had in this conversation."""
    earlier = question.conversation.messages.filter(
        seq__lt=question.seq, curated_answer__isnull=False
    )
    return tuple(earlier.values_list("curated_answer", flat=True).distinct())


def approved_answers(bot: Bot) -> CuratedAnswerQuerySet:
    """What may be served of the bot's curated answers now."""
    return CuratedAnswer.objects.in_force().filter(bot=bot)


def active_deployments() -> QuerySet[Deployment]:
    """What runners have to serve now."""
    return Deployment.objects.filter(is_active=True, bot__is_active=True).select_related("bot")


def open_splits() -> QuerySet[Split]:
    """Challengers that runners have to serve beside what is active."""
    return Split.objects.filter(ended_at=None, bot__is_active=True).select_related(
        "challenger__bot", "champion"
    )


def open_shadows() -> QuerySet[Shadow]:
    """Candidates that answer unseen, beside what is active."""
    return Shadow.objects.filter(ended_at=None, bot__is_active=True).select_related(
        "candidate__bot", "champion", "bot"
    )


def deployment_of(visitor: Visitor) -> Deployment | None:
    """What should answer this visitor: the challenger of an open split, or what is active."""
    split = open_splits().filter(bot=visitor.bot_id).first()
    if split is not None and split.is_challengers(visitor.public_id):
        return split.challenger
    return active_deployments().filter(bot=visitor.bot_id).first()


def deployments_before(deployment: Deployment) -> QuerySet[Deployment]:
    """What served its bot earlier, newest first, as far as it is another model."""
    return (
        Deployment.objects.filter(bot=deployment.bot_id, version__lt=deployment.version)
        # A challenger never served everybody, a shadow nobody.
        .filter(challenges=None, shadows=None)
        .exclude(engine=deployment.engine, artifact=deployment.artifact)
        .select_related("bot")
        .order_by("-version")
    )


def has_served(deployment: Deployment) -> bool:
    """Whether it answered everybody once: a challenger never did, a shadow answered nobody."""
    return not (deployment.challenges.exists() or deployment.shadows.exists())


def with_relations(messages: QuerySet[Message]) -> QuerySet[Message]:
    """With all that services and presentation follow from a message."""
    return messages.select_related(
        "conversation__bot", "conversation__visitor", "reply_to", "feedback", "author"
    )


def outcome_of(question: Message) -> Message:
    """What answers the question: the bot's reply, or the notice instead of one."""
    return question.replies.latest("seq")

"""Conversations of some day, with what came of them."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.utils import timezone
from guardian.shortcuts import assign_perm

from chat.models import Bot, Conversation, Feedback, Message
from tests.factories import ConversationFactory, MessageFactory, ReplyFactory


def conversation(bot: Bot, *, at: datetime, **fields: Any) -> Conversation:
    """One that began then and in which nothing happened since."""
    made = ConversationFactory(visitor__bot=bot)
    fields = {"created_at": at, "updated_at": at + timedelta(minutes=5), **fields}
    Conversation.objects.filter(pk=made.pk).update(**fields)
    made.refresh_from_db()
    return made


def asked(
    made: Conversation, question: str = "Why?", *, at: datetime | None = None, **fields: Any
) -> Message:
    """A question and what it got: by default an answer that the model wrote."""
    fields = {"status": "sent", "source": "model", "text": "Because.", **fields}
    changed = made.updated_at  # Numbering the messages changes it.
    reply = ReplyFactory(conversation=made, question=question, **fields)
    moment = at or made.created_at
    Message.objects.filter(pk__in=[reply.pk, reply.reply_to_id]).update(created_at=moment)
    Conversation.objects.filter(pk=made.pk).update(updated_at=changed)
    made.updated_at = changed
    return reply


def unanswered(
    made: Conversation, question: str, code: str = "unanswered", **fields: Any
) -> Message:
    return asked(made, question, role="notice", source="notice", code=code, **fields)


def answered_by(made: Conversation, agent: User, *, at: datetime) -> Message:
    said = MessageFactory(conversation=made, role="agent", source="agent", author=agent)
    Message.objects.filter(pk=said.pk).update(created_at=at)
    return said


def thumb(reply: Message, value: str) -> None:
    visitor = reply.conversation.visitor
    Feedback.objects.create(message=reply, visitor=visitor, value=value)


def days_ago(days: int, hour: int = 12) -> datetime:
    now = timezone.localtime()
    return now.replace(hour=hour, minute=0, second=0, microsecond=0) - timedelta(days=days)


def person(name: str, *permissions: str, bots: tuple[Bot, ...] = ()) -> User:
    """Staff with these permissions (``app.codename``), who work on these bots."""
    user = User.objects.create(username=name, is_staff=True)
    for each in permissions:
        app, codename = each.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    for bot in bots:
        assign_perm("work_on_bot", user, bot)
    return user

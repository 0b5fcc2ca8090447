"""Messages. A reply is a message too, and the queue of work at the same time."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.bots import Deployment
from chat.models.conversations import Conversation, Visitor
from chat.models.knowledge import CuratedAnswer


class Message(models.Model):
    """One turn of a conversation.

    A reply of the bot begins ``pending``, is claimed by a runner (``generating``, with a
    lease) and settles as ``sent``, ``failed`` or ``cancelled``. All others are born ``sent``, but for
    what moderation keeps from the bot: that is ``withheld``. ``text`` is masked always.
    """

    class Role(models.TextChoices):
        CUSTOMER = "customer", _("customer")
        ASSISTANT = "assistant", _("bot")
        AGENT = "agent", _("agent")
        NOTICE = "notice", _("notice")

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting")
        GENERATING = "generating", _("being written")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("stopped")
        WITHHELD = "withheld", _("withheld")

    class Source(models.TextChoices):
        CURATED = "curated", _("curated answer")
        CACHE = "cache", _("cache")
        MODEL = "model", _("model")
        NOTICE = "notice", _("notice")
        AGENT = "agent", _("agent")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages")
    seq = models.PositiveIntegerField(_("number"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.SENT
    )
    text = models.TextField(_("text"), blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices, blank=True)
    code = models.CharField(_("code"), max_length=40, blank=True)
    client_message_id = models.UUIDField(null=True, editable=False)
    # Of what an agent wrote only. ``match`` says then what had been suggested, and its use.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("agent"),
    )
    reply_to = models.ForeignKey("self", models.CASCADE, null=True, related_name="replies")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    # Of replies only: the queue
    lease_owner = models.CharField(max_length=80, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    # ``attempt`` only grows: it fences off a runner that lost its lease. ``attempts_left`` is
    # the budget, given back when nothing went wrong.
    attempt = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    attempts_left = models.PositiveSmallIntegerField(default=0, editable=False)
    queued_at = models.DateTimeField(null=True, editable=False)

    # Of replies only: how the answer came about
    deployment = models.ForeignKey(Deployment, models.SET_NULL, null=True, editable=False)
    prompt_version = models.CharField(max_length=20, blank=True, editable=False)
    policy_version = models.CharField(max_length=20, blank=True, editable=False)
    timings = models.JSONField(_("timings, seconds"), default=dict, editable=False)
    curated_answer = models.ForeignKey(
        CuratedAnswer,
        models.SET_NULL,
        null=True,
        related_name="messages",
        editable=False,
        verbose_name=_("curated answer"),
    )
    # How it was found, and what the model was given to read: answers, their versions and scores.
    match = models.JSONField(_("match"), default=dict, editable=False)
    confidence = models.FloatField(_("confidence"), null=True, editable=False)
    # Approved questions that are shown under an answer that may be wrong.
    suggestions = models.JSONField(default=list, editable=False, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq_unique"),
            models.UniqueConstraint(
                fields=["conversation", "client_message_id"], name="message_client_id_unique"
            ),
            # Two runners can never answer in one conversation at once, whatever they believe.
            models.UniqueConstraint(
                fields=["conversation"],
                condition=models.Q(status="generating"),
                name="message_one_generating",
            ),
        ]
        indexes: ClassVar = [
            # Not a partial one: SQLite takes those only for constants, never for parameters.
            models.Index(fields=["status", "queued_at", "id"], name="message_queue"),
            models.Index(fields=["-created_at"], name="message_newest"),
        ]

    def __str__(self) -> str:
        return f"message {self.seq} of {self.conversation_id}"

    @property
    def is_settled(self) -> bool:
        return self.status not in (self.Status.PENDING, self.Status.GENERATING)


class Feedback(models.Model):
    """What a visitor thought of one answer."""

    class Value(models.TextChoices):
        UP = "up", _("helpful")
        DOWN = "down", _("not helpful")

    class Reason(models.TextChoices):
        WRONG = "wrong", _("wrong")
        INCOMPLETE = "incomplete", _("incomplete")
        UNCLEAR = "unclear", _("unclear")
        RUDE = "rude", _("rude")
        OTHER_QUESTION = "other_question", _("not my question")
        OTHER = "other", _("something else")

    message = models.OneToOneField(
        Message, models.CASCADE, related_name="feedback", verbose_name=_("message")
    )
    visitor = models.ForeignKey(
        Visitor, models.CASCADE, related_name="feedback", verbose_name=_("visitor")
    )
    value = models.CharField(_("value"), max_length=4, choices=Value.choices)
    reasons = models.JSONField(_("reasons"), default=list, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")

    def __str__(self) -> str:
        return f"{self.value} on message {self.message_id}"

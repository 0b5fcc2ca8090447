"""What agents work with: notes, canned replies, suggestions, and messages left for them."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.bots import Bot, Deployment
from chat.models.conversations import Conversation
from chat.models.fields import LOCALES
from chat.models.knowledge import CuratedAnswer
from chat.models.messages import Message


class Note(models.Model):
    """What staff tells staff about a conversation. No customer and no model ever reads it."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    text = models.TextField(_("text"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"note on {self.conversation_id}"


class CannedReply(models.Model):
    """A text that agents send again and again, found by its short name after a slash."""

    bot = models.ForeignKey(
        Bot,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="canned_replies",
        verbose_name=_("bot"),
        help_text=_("Empty: for all bots."),
    )
    locale = models.CharField(
        _("language"), max_length=10, choices=[(each, each) for each in LOCALES], default="en"
    )
    shortcut = models.CharField(
        _("short name"),
        max_length=40,
        validators=[
            RegexValidator(
                r"^[\w-]+$", _("Letters, digits, hyphens and underscores only, without spaces.")
            )
        ],
        help_text=_("Agents type it after a slash."),
    )
    text = models.TextField(_("text"), max_length=4_000)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")
        ordering: ClassVar = ["shortcut", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["bot", "locale", "shortcut"],
                name="canned_reply_unique",
                violation_error_message=_("There is a canned reply of this name already."),
            ),
            # Nothing equals no bot, so that the first one does not hold there.
            models.UniqueConstraint(
                fields=["locale", "shortcut"],
                condition=models.Q(bot=None),
                name="canned_reply_unique_for_all_bots",
                violation_error_message=_("There is a canned reply of this name already."),
            ),
        ]

    def __str__(self) -> str:
        return f"/{self.shortcut}"


class LeftMessage(models.Model):
    """What a customer wrote while nobody was there, and how to reach them.

    ``name`` and ``text`` are masked; ``contact`` is personal data and encrypted.
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(
        Conversation,
        models.CASCADE,
        related_name="left_messages",
        verbose_name=_("conversation"),
    )
    name = models.CharField(_("name"), max_length=80, blank=True)
    contact = models.BinaryField(editable=False)
    text = models.TextField(_("text"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    answered_at = models.DateTimeField(_("answered"), null=True, editable=False)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = _("left message")
        verbose_name_plural = _("left messages")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"message left in {self.conversation_id}"


class Suggestion(models.Model):
    """What the bot would say, shown to one agent alone.

    A row of its own and no message: nothing that customers are shown, or that a reply waits for,
    is ever looked for here. Runners write it when no reply waits for them.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting")
        WRITING = "writing", _("being written")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    class Use(models.TextChoices):
        SENT = "sent", _("sent as it was")
        EDITED = "edited", _("edited")
        IGNORED = "ignored", _("ignored")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="suggestions")
    question = models.ForeignKey(Message, models.CASCADE, related_name="suggestions_for")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.PENDING
    )
    text = models.TextField(_("text"), blank=True)
    source = models.CharField(_("source"), max_length=10, blank=True)
    confidence = models.FloatField(_("confidence"), null=True)
    deployment = models.ForeignKey(Deployment, models.SET_NULL, null=True, related_name="+")
    curated_answer = models.ForeignKey(CuratedAnswer, models.SET_NULL, null=True, related_name="+")
    use = models.CharField(_("use"), max_length=10, choices=Use.choices, blank=True)
    lease_owner = models.CharField(max_length=80, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("suggestion")
        verbose_name_plural = _("suggestions")
        indexes: ClassVar = [models.Index(fields=["status", "id"], name="suggestion_queue")]

    def __str__(self) -> str:
        return f"suggestion for {self.conversation_id}"

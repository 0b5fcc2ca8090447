"""Who talks, and in which conversation."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.bots import Bot
from moderation.actors import Actor


class Visitor(models.Model):
    """A person on a website, known by a token alone."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="visitors")
    token_hash = models.BinaryField(max_length=32, unique=True, null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("visitor")
        verbose_name_plural = _("visitors")
        permissions: ClassVar = [("erase_visitor", _("Can erase visitors everywhere"))]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.public_id}"

    @property
    def actor(self) -> Actor:
        """Who that is in the audit trail."""
        return Actor("visitor", str(self.public_id))


class Conversation(models.Model):
    """Messages of one visitor with one bot, numbered by ``last_seq``.

    The bot answers while it is ``open`` or ``waiting``, an agent alone while it is ``taken``, and
    nobody once it is ``closed``.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        WAITING = "waiting", _("waiting for a person")
        TAKEN = "taken", _("with an agent")
        CLOSED = "closed", _("closed")

    class HandoffReason(models.TextChoices):
        """Why a person was wanted, last time one was."""

        ASKED = "asked", _("the customer asked")
        UNANSWERED = "unanswered", _("the bot had no answer")
        UNSURE = "unsure", _("the bot was not sure")
        DISLIKED = "disliked", _("the answer did not help")
        WITHHELD = "withheld", _("the answer was withheld")
        AGENT = "agent", _("an agent stepped in")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(
        Bot, models.CASCADE, related_name="conversations", verbose_name=_("bot")
    )
    visitor = models.ForeignKey(
        Visitor, models.CASCADE, related_name="conversations", verbose_name=_("visitor")
    )
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.OPEN
    )
    locale = models.CharField(_("language"), max_length=10, default="en")
    last_seq = models.PositiveIntegerField(_("messages"), default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    page = models.CharField(
        _("page"),
        max_length=300,
        blank=True,
        help_text=_("Where the customer began, without what followed a question mark."),
    )

    # Of people: who answers instead of the bot, and since when
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="taken_conversations",
        verbose_name=_("agent"),
    )
    waiting_since = models.DateTimeField(_("waiting since"), null=True, editable=False)
    taken_at = models.DateTimeField(_("taken"), null=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)
    # Nobody when it was closed because nothing had been said for long.
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("closed by"),
    )
    handoff_reason = models.CharField(
        _("reason for a person"), max_length=10, choices=HandoffReason.choices, blank=True
    )
    seen_seq = models.PositiveIntegerField(
        _("seen by staff"), default=0, editable=False, help_text=_("Up to this message.")
    )
    rating = models.PositiveSmallIntegerField(
        _("rating"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
    )
    rating_comment = models.TextField(_("comment"), blank=True)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        permissions: ClassVar = [
            ("answer_conversation", _("Can answer customers in the inbox")),
            ("assign_conversation", _("Can give conversations to others")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(rating=None) | models.Q(rating__range=(1, 5)),
                name="conversation_rating_in_range",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["visitor", "-id"]),
            models.Index(fields=["bot", "status", "waiting_since"], name="conversation_queue"),
            models.Index(fields=["-updated_at"], name="conversation_changed"),
            models.Index(fields=["bot", "created_at"], name="conversation_period"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.public_id}"

    @property
    def is_answered_by_bot(self) -> bool:
        return self.status in (self.Status.OPEN, self.Status.WAITING)

    @property
    def group(self) -> str:
        """The channel-layer group of everybody who watches this conversation."""
        return f"conversation.{self.public_id.hex}"

    @property
    def staff_group(self) -> str:
        """The same for agents alone: what no customer may hear."""
        return f"desk.{self.public_id.hex}"


class SocketTicket(models.Model):
    """Opens one socket on one conversation, once, soon."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="tickets")
    ticket_hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField(db_index=True)
    spent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"ticket {self.pk}"

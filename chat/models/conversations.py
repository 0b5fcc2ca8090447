"""Who talks, and in which conversation."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.bots import Bot


class Visitor(models.Model):
    """A person on a website, known by a token alone."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="visitors")
    token_hash = models.BinaryField(max_length=32, unique=True, null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("visitor")
        verbose_name_plural = _("visitors")

    def __str__(self) -> str:
        return f"visitor {self.public_id}"


class Conversation(models.Model):
    """Messages of one visitor with one bot, numbered by ``last_seq``."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        WAITING = "waiting", _("waiting for a person")
        CLOSED = "closed", _("closed")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="conversations")
    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="conversations")
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.OPEN
    )
    locale = models.CharField(_("language"), max_length=10, default="en")
    last_seq = models.PositiveIntegerField(_("messages"), default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        indexes: ClassVar = [models.Index(fields=["visitor", "-id"])]

    def __str__(self) -> str:
        return f"conversation {self.public_id}"

    @property
    def group(self) -> str:
        """The channel-layer group of everybody who watches this conversation."""
        return f"conversation.{self.public_id.hex}"


class SocketTicket(models.Model):
    """Opens one socket on one conversation, once, soon."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="tickets")
    ticket_hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField(db_index=True)
    spent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"ticket {self.pk}"

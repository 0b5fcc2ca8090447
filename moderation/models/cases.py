"""What people should look at: texts that were blocked, or let through with a doubt."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ModerationCase(models.Model):
    """One text that a policy wants somebody to see.

    ``excerpt`` is the text with personal data masked and forbidden words visible. ``findings``
    are spans of the excerpt with family, category, rule and action; the value only of words.
    ``scope`` and ``reference`` are the caller's names of the conversation and the message.
    """

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("customer")
        OUTBOUND = "outbound", _("bot")
        AGENT = "agent", _("agent")
        TRAINING = "training", _("training data")

    class Action(models.TextChoices):
        REVIEW = "review", _("let through")
        BLOCK = "block", _("blocked")

    class Resolution(models.TextChoices):
        CONFIRMED = "confirmed", _("rightly found")
        HARMLESS = "harmless", _("harmless")
        ALLOWED = "allowed", _("harmless, term allowed")
        FORBIDDEN = "forbidden", _("new word forbidden")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    scope = models.CharField(_("conversation"), max_length=64, blank=True)
    reference = models.CharField(_("message"), max_length=64, blank=True)
    direction = models.CharField(_("written by"), max_length=10, choices=Direction.choices)
    action = models.CharField(_("what was done"), max_length=10, choices=Action.choices)
    categories = models.CharField(_("found"), max_length=200)
    excerpt = models.TextField(_("text"), blank=True)
    findings = models.JSONField(_("findings"), default=list)
    policy = models.CharField(_("policy version"), max_length=20, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    resolution = models.CharField(
        _("resolution"), max_length=10, choices=Resolution.choices, blank=True
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("resolved by"),
    )
    resolved_at = models.DateTimeField(_("resolved"), null=True)

    class Meta:
        verbose_name = _("moderation case")
        verbose_name_plural = _("moderation cases")
        ordering: ClassVar = ["-id"]
        default_permissions = ("view",)
        permissions: ClassVar = [("resolve_case", _("Can resolve moderation cases"))]
        indexes: ClassVar = [
            models.Index(fields=["resolution", "-id"], name="case_open"),
            models.Index(fields=["scope"], name="case_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.categories} ({self.public_id})"

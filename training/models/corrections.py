"""Bad answers that a person put right, in one place."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models import Bot, CuratedAnswer, Message
from training.models.datasets import Example


class Correction(models.Model):
    """What a bot should have said to one question, and where that took effect.

    ``answer`` serves it from then on (the override), ``example`` teaches it to the next model, and
    every evaluation of a model for ``bot`` asks ``question`` again with the override left out.
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="corrections", verbose_name=_("bot"))
    locale = models.CharField(_("language"), max_length=10)
    # The answer that was put right. The correction is erased with its conversation.
    message = models.ForeignKey(Message, models.SET_NULL, null=True, related_name="corrections")
    turns = models.JSONField(_("turns before the answer"), default=list)
    rejected = models.TextField(_("the bot said"))
    text = models.TextField(_("right answer"))
    answer = models.ForeignKey(
        CuratedAnswer,
        models.SET_NULL,
        null=True,
        related_name="corrections",
        verbose_name=_("curated answer"),
    )
    example = models.ForeignKey(
        Example, models.SET_NULL, null=True, related_name="corrections", verbose_name=_("example")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("corrected by"),
    )
    created_at = models.DateTimeField(_("corrected"), auto_now_add=True)
    retired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("retired by"),
    )
    retired_at = models.DateTimeField(_("retired"), null=True)

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering: ClassVar = ["-id"]
        default_permissions = ("view", "add", "change")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.public_id}"

    @property
    def question(self) -> str:
        """What the customer had asked."""
        return str(self.turns[-1]["content"]) if self.turns else ""

"""A candidate compared with what serves, on real customers."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models import Bot
from chat.models import Split as Traffic
from training.models.registry import ModelVersion


class Experiment(models.Model):
    """One comparison: how large it was planned, what each look found, and how it ended.

    ``looks`` are ``[[good, total], [good, total]]`` of champion and challenger, as they were when each
    look was due. ``end_reason`` is that of the person who ended it. See :mod:`training.experiments`.
    """

    class Verdict(models.TextChoices):
        RUNNING = "running", _("under way")
        WINNER = "winner", _("the challenger is better")
        HARM = "harm", _("the challenger is worse")
        NO_DIFFERENCE = "no_difference", _("no difference was found")
        ENDED = "ended", _("ended by somebody")
        OUTDATED = "outdated", _("something else serves")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="experiments", verbose_name=_("bot"))
    model_version = models.ForeignKey(
        ModelVersion, models.PROTECT, related_name="experiments", verbose_name=_("challenger")
    )
    traffic = models.OneToOneField(Traffic, models.CASCADE, related_name="experiment")
    base = models.FloatField(_("rate of the champion"))
    effect = models.FloatField(_("difference worth finding"))
    per_arm = models.PositiveIntegerField(_("conversations for each"))
    looks = models.JSONField(_("looks"), default=list)
    verdict = models.CharField(
        _("verdict"), max_length=15, choices=Verdict.choices, default=Verdict.RUNNING
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(_("ended"), null=True)
    end_reason = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("experiment")
        verbose_name_plural = _("experiments")
        default_permissions = ()
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"experiment {self.public_id}"

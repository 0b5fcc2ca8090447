"""Which model is the candidate and which the champion, what is asked of one, and what was decided."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models import Bot, Deployment
from training.evaluation.gates import Limits
from training.models.registry import ModelVersion

SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]
DEFAULTS = Limits()


class ModelAlias(models.Model):
    """A name that moves: what is served, and what asks to be."""

    class Name(models.TextChoices):
        CANDIDATE = "candidate", _("candidate")
        CHAMPION = "champion", _("champion")

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="model_aliases")
    name = models.CharField(_("name"), max_length=10, choices=Name.choices)
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="aliases")
    set_at = models.DateTimeField(_("since"), auto_now=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["bot", "name"], name="model_alias_once_per_bot")
        ]

    def __str__(self) -> str:
        return f"{self.bot}: {self.name} is {self.model_version}"


class GatePolicy(models.Model):
    """What a candidate of one bot has to show; see :class:`training.evaluation.gates.Limits`."""

    bot = models.OneToOneField(
        Bot, models.CASCADE, related_name="gate_policy", verbose_name=_("bot")
    )
    accuracy_tolerance = models.FloatField(
        _("right answers that may be lost"),
        default=DEFAULTS.accuracy_tolerance,
        validators=SHARE,
        help_text=_("Share of the questions, 0 to 1, net of those that got better."),
    )
    significance = models.FloatField(
        _("level of the paired test"),
        default=DEFAULTS.significance,
        validators=SHARE,
        help_text=_("Losses that chance explains less often than this close the gate."),
    )
    fewest_questions = models.PositiveIntegerField(
        _("fewest questions"),
        default=DEFAULTS.fewest_questions,
        validators=[MinValueValidator(1)],
        help_text=_("That both models were asked. Fewer say nothing."),
    )
    unknown_tolerance = models.FloatField(
        _("more questions without an answer answered anyway"),
        default=DEFAULTS.unknown_tolerance,
        validators=SHARE,
        help_text=_("Share of them, 0 to 1, beyond what the champion answers."),
    )
    forgotten = models.FloatField(
        _("general questions that may be forgotten"),
        default=DEFAULTS.forgotten,
        validators=SHARE,
        help_text=_("Share of those that the base model answered, 0 to 1."),
    )
    p99_seconds = models.FloatField(
        _("99 of 100 answers within"),
        default=DEFAULTS.p99_seconds,
        validators=[MinValueValidator(0.01)],
        help_text=_("Seconds, where the evaluation ran."),
    )
    same_decisions = models.FloatField(
        _("same decisions before and after export"),
        default=DEFAULTS.same_decisions,
        validators=SHARE,
        help_text=_("Share of the prompts, 0 to 1."),
    )
    parity_tolerance = models.FloatField(
        _("right answers that the export may lose"),
        default=DEFAULTS.parity_tolerance,
        validators=SHARE,
        help_text=_("Share of the questions, 0 to 1."),
    )

    class Meta:
        verbose_name = _("gates of a bot")
        verbose_name_plural = _("gates")

    def __str__(self) -> str:
        return str(self.bot)

    @property
    def limits(self) -> Limits:
        return Limits(**{name: getattr(self, name) for name in Limits.__slots__})


class OverrideRequest(models.Model):
    """Somebody wants a candidate although a gate is closed: another person has to agree.

    ``champion`` is what served when it was asked for; when something else does, it is void.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="override_requests")
    model_version = models.ForeignKey(
        ModelVersion, models.CASCADE, related_name="override_requests"
    )
    champion = models.ForeignKey(Deployment, models.CASCADE, null=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=500)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked"), auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["bot", "model_version"],
                condition=models.Q(ended_at=None),
                name="override_request_one_open",
            )
        ]

    def __str__(self) -> str:
        return f"override for {self.model_version}"


class Promotion(models.Model):
    """One decision about what serves a bot, and what was known when it was made."""

    class Kind(models.TextChoices):
        PROMOTED = "promoted", _("promoted")
        ROLLED_BACK = "rolled_back", _("rolled back")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="promotions")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    deployment = models.OneToOneField(
        Deployment, models.CASCADE, related_name="promotion", verbose_name=_("deployment")
    )
    before = models.ForeignKey(Deployment, models.SET_NULL, null=True, related_name="+")
    # Empty for a model that was not trained here: a base model.
    model_version = models.ForeignKey(
        ModelVersion, models.SET_NULL, null=True, related_name="promotions"
    )
    gates = models.JSONField(_("gates"), default=list)
    override_reason = models.CharField(_("reason"), max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    second = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("second person"),
    )
    created_at = models.DateTimeField(_("decided"), auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.deployment}"

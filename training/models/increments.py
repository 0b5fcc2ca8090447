"""What a bot learns next: a batch of proposals, decided by people, and what became of it."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models import Bot
from training.models.datasets import DatasetVersion
from training.models.runs import TrainingRun

SIZE = 500


class IncrementPolicy(models.Model):
    """How often a bot learns, and how much at a time. A bot without one has the defaults."""

    bot = models.OneToOneField(
        Bot, models.CASCADE, related_name="increment_policy", verbose_name=_("bot")
    )
    is_scheduled = models.BooleanField(
        _("proposed by itself"), default=True, help_text=_("Else only when somebody asks for it.")
    )
    days = models.PositiveSmallIntegerField(
        _("every so many days"),
        default=0,
        validators=[MaxValueValidator(366)],
        help_text=_("0: once in each month."),
    )
    size = models.PositiveIntegerField(
        _("examples in each"),
        default=SIZE,
        validators=[MinValueValidator(1), MaxValueValidator(5000)],
        help_text=_("What was approved since the last model counts, too."),
    )
    recipe = models.CharField(
        _("recipe"),
        max_length=60,
        blank=True,
        help_text=_("Empty: the one by which the model in service was trained."),
    )

    class Meta:
        verbose_name = _("learning of a bot")
        verbose_name_plural = _("learning")

    def __str__(self) -> str:
        return str(self.bot)


class Increment(models.Model):
    """One turn of the loop: reviewed as a batch, frozen, trained, and left to people at the gate.

    ``slot`` is the first day of the period that it was proposed for: the schedule fills each once.
    Whoever closes the batch counts as who started its run. ``run`` is written in the transaction
    that queues it, so that it is queued once. ``ended_at`` is set with each stage in which nothing
    more happens.
    """

    class Stage(models.TextChoices):
        REVIEW = "review", _("being reviewed")
        CLOSED = "closed", _("about to be trained")
        TRAINING = "training", _("being trained")
        GATE = "gate", _("waits for somebody to promote it")
        PROMOTED = "promoted", _("promoted")
        NOTHING_NEW = "nothing_new", _("nothing new was approved")
        CANCELLED = "cancelled", _("cancelled")
        PASSED_OVER = "passed_over", _("a later one took its place")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="increments", verbose_name=_("bot"))
    # None: somebody asked for one more in a period that had one.
    slot = models.DateField(_("for the period from"), null=True)
    size = models.PositiveIntegerField(_("examples wanted"))
    # Approved since the last model, and learned with it.
    already = models.PositiveIntegerField(_("approved before"), default=0)
    stage = models.CharField(_("stage"), max_length=12, choices=Stage.choices, default=Stage.REVIEW)
    # Why it does not get on, to people. It is tried again.
    trouble = models.CharField(max_length=500, blank=True)
    dataset_version = models.ForeignKey(
        DatasetVersion,
        models.PROTECT,
        null=True,
        related_name="increments",
        verbose_name=_("dataset version"),
    )
    run = models.OneToOneField(
        TrainingRun, models.PROTECT, null=True, related_name="increment", verbose_name=_("run")
    )
    # None: the schedule did.
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("proposed by"),
    )
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("closed by"),
    )
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(_("proposed"), auto_now_add=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("increment")
        verbose_name_plural = _("increments")
        ordering: ClassVar = ["-id"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            # Two schedules, or one that was told the time twice.
            models.UniqueConstraint(fields=["bot", "slot"], name="increment_once_per_slot"),
            models.UniqueConstraint(
                fields=["bot"],
                condition=models.Q(ended_at=None),
                name="increment_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return gettext("increment %(number)s") % {"number": self.pk}

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None

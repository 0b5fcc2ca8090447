"""Training runs: leased jobs in the database, and what they report."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.models import Bot
from training.models.datasets import DatasetVersion


class TrainingRun(models.Model):
    """One fine-tuning, from a dataset version to an evaluated model.

    What it is made of (recipe, seed, base, data) is frozen when it is queued. Who works on it
    holds a lease; ``fence`` grows with every claim, and whoever holds an older number may
    write nothing more, neither here nor in the folders of models.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("finished")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Stage(models.TextChoices):
        """What a running one does now, in this order. Each may be done again after a crash."""

        PREPARING = "preparing", _("preparing the examples")
        SEARCH = "search", _("tuning the search")
        TRAINING = "training", _("training")
        EXPORTING = "exporting", _("exporting")
        EVALUATING = "evaluating", _("evaluating")
        PUBLISHING = "publishing", _("publishing")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(
        Bot, models.CASCADE, related_name="training_runs", verbose_name=_("bot")
    )
    dataset_version = models.ForeignKey(
        DatasetVersion, models.PROTECT, related_name="runs", verbose_name=_("dataset version")
    )
    recipe_name = models.CharField(_("recipe"), max_length=60)
    recipe = models.JSONField(_("recipe with overrides"))
    overrides = models.JSONField(_("overrides"), default=dict)
    seed = models.PositiveIntegerField(_("seed"), default=1)
    base = models.CharField(_("base model"), max_length=100)
    parent = models.ForeignKey(
        "training.ModelVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="continued_by",
        verbose_name=_("continues from"),
    )
    device = models.CharField(_("device"), max_length=20, default="cpu")
    plan = models.JSONField(_("prediction"), default=dict, editable=False)

    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.QUEUED
    )
    stage = models.CharField(_("stage"), max_length=12, choices=Stage.choices, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    cancel_requested = models.BooleanField(default=False)
    # Of memory only, once: see training/services/runs.py
    batch_divisor = models.PositiveSmallIntegerField(default=1)

    fence = models.PositiveIntegerField(default=0, editable=False)
    lease_owner = models.CharField(max_length=120, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)

    step = models.PositiveIntegerField(_("step"), default=0, editable=False)
    total_steps = models.PositiveIntegerField(_("steps"), default=0, editable=False)
    # The newest report of the trainer, see training/trainer/progress.py
    progress = models.JSONField(default=dict, editable=False)
    # Share of the stage done, 0 to 1, and seconds left as far as known.
    stage_share = models.FloatField(default=0, editable=False)
    seconds_left = models.FloatField(null=True, editable=False)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("queued"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, editable=False)
    finished_at = models.DateTimeField(_("ended"), null=True, editable=False)

    class Meta:
        verbose_name = _("training run")
        verbose_name_plural = _("training runs")
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [("cancel_trainingrun", "Can cancel training runs")]
        constraints: ClassVar = [
            # Two trainers would share one device, whatever they believe.
            models.UniqueConstraint(
                fields=["device"],
                condition=Q(status="running"),
                name="training_run_one_per_device",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["device", "status", "id"], name="training_run_queue")
        ]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.recipe_name})"

    @property
    def group(self) -> str:
        """The channel-layer group of everybody who watches this run."""
        return f"training_run.{self.public_id.hex}"

    @property
    def is_over(self) -> bool:
        return self.status not in (self.Status.QUEUED, self.Status.RUNNING)


class RunMetric(models.Model):
    """What the trainer reported at one step."""

    run = models.ForeignKey(TrainingRun, models.CASCADE, related_name="metrics")
    step = models.PositiveIntegerField()
    loss = models.FloatField(null=True)
    heldout_loss = models.FloatField(null=True)
    learning_rate = models.FloatField(null=True)
    tokens_per_second = models.FloatField(null=True)
    memory_bytes = models.PositiveBigIntegerField(null=True)
    seconds = models.FloatField(help_text="Of training, this attempt and earlier ones.")

    class Meta:
        ordering: ClassVar = ["run", "step"]
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "step"], name="run_metric_once_per_step")
        ]

    def __str__(self) -> str:
        return f"step {self.step} of run {self.run_id}"


class RunEvent(models.Model):
    """One line of a run's story: queued, claimed, resumed from step 40, refused, finished."""

    run = models.ForeignKey(TrainingRun, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    detail = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["run", "id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} of run {self.run_id}"

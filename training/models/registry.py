"""Finished models, and what was measured of them."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from training.models.datasets import DatasetVersion
from training.models.runs import TrainingRun


class ModelVersion(models.Model):
    """One exported model: what promotion may deploy.

    ``artifact`` names its sealed folder below ``var/models/serving``, ``weights`` the folder of
    merged fp32 weights below ``var/training/models`` that a later run may continue from.
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("model"), max_length=60)
    number = models.PositiveIntegerField(_("version"))
    run = models.OneToOneField(
        TrainingRun, models.PROTECT, null=True, related_name="model_version", verbose_name=_("run")
    )
    base = models.CharField(_("base model"), max_length=100)
    artifact = models.CharField(_("artifact"), max_length=200, unique=True)
    weights = models.CharField(_("weights"), max_length=200, blank=True)
    format = models.CharField(_("format"), max_length=20)
    precision = models.CharField(_("precision"), max_length=20)
    size = models.PositiveBigIntegerField(_("bytes"))
    manifest_sha256 = models.CharField(max_length=64)
    # Of what is said of it in :func:`training.services.signatures.statement`.
    signature = models.CharField(max_length=120, blank=True, editable=False)
    # What the export was compared with torch, and each precision that was tried.
    parity = models.JSONField(_("parity"), default=dict)
    # By language, for chat.knowledge.confidence: learned from held-out questions.
    confidence = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [
            ("promote_modelversion", "Can promote models"),
            ("override_gate", "Can agree to a promotion although a gate is closed"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "number"], name="model_version_unique")
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class Evaluation(models.Model):
    """What one artifact answered to the held-out questions of one dataset version.

    ``model_version`` is empty for a base model and until a run has published, ``baseline`` is
    what it is shown beside. ``figures`` are those of :mod:`training.evaluation.figures` and the name
    of the ``embedder`` that searched (empty: nobody said), ``scenarios`` their accuracy by scenario, ``suites`` safety and forgetting.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        FINISHED = "finished", _("finished")
        FAILED = "failed", _("failed")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    model_version = models.ForeignKey(
        ModelVersion, models.CASCADE, null=True, related_name="evaluations"
    )
    run = models.ForeignKey(TrainingRun, models.CASCADE, null=True, related_name="evaluations")
    baseline = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    artifact = models.CharField(_("artifact"), max_length=200)
    dataset_version = models.ForeignKey(
        DatasetVersion, models.PROTECT, related_name="evaluations", verbose_name=_("dataset")
    )
    split = models.CharField(_("split"), max_length=5, default="test")
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.RUNNING
    )
    error = models.CharField(max_length=300, blank=True)
    figures = models.JSONField(_("figures"), default=dict)
    scenarios = models.JSONField(_("by scenario"), default=dict)
    suites = models.JSONField(_("suites"), default=dict)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.artifact} on {self.dataset_version}"


class EvaluatedAnswer(models.Model):
    """One held-out question, the right answer and the one that was given."""

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="answers")
    position = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    question = models.TextField()
    expected = models.TextField()
    given = models.TextField(blank=True)
    group = models.CharField(max_length=80, blank=True)
    scenario = models.CharField(max_length=20)
    locale = models.CharField(max_length=10)
    turns = models.PositiveSmallIntegerField(default=1)
    # right, wrong, handed_over
    outcome = models.CharField(max_length=12)
    hands_over = models.BooleanField(default=False)
    source = models.CharField(max_length=10, blank=True)
    confidence = models.FloatField(null=True)
    seconds = models.FloatField(default=0)

    class Meta:
        ordering: ClassVar = ["evaluation", "position"]
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["evaluation", "position"], name="evaluated_answer_unique"
            )
        ]

    def __str__(self) -> str:
        return f"answer {self.position} of {self.evaluation_id}"

"""Conversations to learn from, and the frozen versions that models are trained on."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models import Bot, Conversation
from chat.models.fields import LOCALES


class Scenario(models.TextChoices):
    """What a conversation is about, as customer service sorts its work."""

    CONSULTATION = "consultation", _("consultation")
    ORDER = "order", _("order")
    DELIVERY = "delivery", _("delivery")
    RETURNS = "returns", _("returns")
    PAYMENT = "payment", _("payment")
    ACCOUNT = "account", _("account")
    COMPLAINT = "complaint", _("complaint")
    OTHER = "other", _("other")


class Split(models.TextChoices):
    """What a row is for. No wording is in two of them."""

    TRAIN = "train", _("to learn from")
    DEV = "dev", _("to choose by")
    TEST = "test", _("to measure with")


class Dataset(models.Model):
    """A collection of examples for one bot. It grows; its versions do not."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=80)
    description = models.TextField(_("description"), blank=True)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="datasets", verbose_name=_("bot"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("dataset")
        verbose_name_plural = _("datasets")
        permissions: ClassVar = [
            ("work_on_dataset", "Can work on this dataset"),
            ("export_dataset", "Can take examples out as a file"),
        ]

    def __str__(self) -> str:
        return self.name


class Example(models.Model):
    """One conversation that ends with the answer a model should give.

    ``messages`` are turns ``{"role", "content"}`` of customer (``user``) and bot (``assistant``),
    the last one the bot's. Their text is masked. ``group`` names the answer that the last turn
    gives: all examples with it have the same right answer. ``hands_over``: no approved answer
    fits and the right reply is to offer a person. ``split`` is empty unless the data brought its
    own: versions then follow it, as long as no wording comes into two splits.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("to be reviewed")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    dataset = models.ForeignKey(
        Dataset, models.CASCADE, related_name="examples", verbose_name=_("dataset")
    )
    messages = models.JSONField(_("turns"))
    digest = models.CharField(max_length=64, editable=False)
    locale = models.CharField(
        _("language"), max_length=10, choices=[(each, each) for each in LOCALES], default="en"
    )
    scenario = models.CharField(
        _("scenario"), max_length=20, choices=Scenario.choices, default=Scenario.OTHER
    )
    group = models.CharField(_("answer group"), max_length=80, blank=True)
    hands_over = models.BooleanField(_("hands over to a person"), default=False)
    split = models.CharField(_("split"), max_length=5, choices=Split.choices, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)
    licence = models.CharField(_("licence"), max_length=80, blank=True)
    conversation = models.ForeignKey(
        Conversation, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.APPROVED
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("example")
        verbose_name_plural = _("examples")
        permissions: ClassVar = [
            ("review_example", "Can review what conversations propose"),
            ("propose_chat", "Can propose a conversation for review"),
            ("approve_example", "Can approve examples of others"),
        ]
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset", "digest"], name="example_once_per_dataset")
        ]
        indexes: ClassVar = [
            models.Index(fields=["dataset", "status", "id"], name="example_of_dataset")
        ]

    def __str__(self) -> str:
        return f"example {self.public_id}"

    @property
    def question(self) -> str:
        """What the customer said last."""
        return next(
            (str(each["content"]) for each in reversed(self.messages) if each["role"] == "user"), ""
        )

    @property
    def answer(self) -> str:
        return str(self.messages[-1]["content"]) if self.messages else ""


class DatasetVersion(models.Model):
    """What a dataset held at one moment: a file that is never written again.

    ``var/training/datasets/<sha256>.jsonl``; its rows are described in docs/datasets.md.
    ``counts`` are rows by split, ``report`` is the quality report at that moment.
    ``redactions`` say why a file is not what was frozen: rows of somebody who was erased were
    left out of a new one, named for its own digest. Each has ``before``, ``after``, ``rows`` and ``at``.
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    dataset = models.ForeignKey(
        Dataset, models.PROTECT, related_name="versions", verbose_name=_("dataset")
    )
    number = models.PositiveIntegerField(_("version"), editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    size = models.PositiveBigIntegerField(_("bytes"), editable=False)
    counts = models.JSONField(_("rows"), default=dict, editable=False)
    report = models.JSONField(_("quality report"), default=dict, editable=False)
    redactions = models.JSONField(_("erased rows"), default=list, editable=False)
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("frozen"), auto_now_add=True)

    class Meta:
        verbose_name = _("dataset version")
        verbose_name_plural = _("dataset versions")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset", "number"], name="dataset_version_unique")
        ]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"


class FrozenExample(models.Model):
    """Which example went into which version: a request to forget somebody finds its models."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="frozen")
    example = models.ForeignKey(Example, models.SET_NULL, null=True, related_name="frozen")
    digest = models.CharField(max_length=64)
    split = models.CharField(max_length=5, choices=Split.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "digest"], name="frozen_example_unique")
        ]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.split} row of {self.version}"

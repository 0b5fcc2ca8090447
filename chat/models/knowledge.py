"""What people approved: answers with the wordings of their questions, and what came of them."""

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models.bots import Bot, Deployment
from chat.models.conversations import Visitor
from chat.models.fields import LOCALES


class CuratedAnswerQuerySet(models.QuerySet["CuratedAnswer"]):
    def in_force(self) -> Self:
        """Those that may be served now."""
        now = timezone.now()
        return self.filter(
            Q(valid_from=None) | Q(valid_from__lte=now),
            Q(valid_until=None) | Q(valid_until__gt=now),
            is_active=True,
        )


class CuratedAnswer(models.Model):
    """An answer that people approved. Every change of it is kept as a revision."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(
        Bot, models.CASCADE, related_name="curated_answers", verbose_name=_("bot")
    )
    locale = models.CharField(
        _("language"), max_length=10, choices=[(each, each) for each in LOCALES], default="en"
    )
    key = models.SlugField(
        _("key"),
        max_length=80,
        blank=True,
        allow_unicode=True,
        help_text=_("The same in all languages and files. Empty: made from the question."),
    )
    topic = models.CharField(_("topic"), max_length=60, blank=True)
    text = models.TextField(_("answer"), max_length=4000)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        verbose_name=_("owner"),
        help_text=_("Whoever is asked when it may be out of date."),
    )
    is_active = models.BooleanField(_("in use"), default=True)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    revision = models.PositiveIntegerField(_("version"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = CuratedAnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("curated answer")
        verbose_name_plural = _("curated answers")
        ordering: ClassVar = ["topic", "key", "pk"]
        permissions: ClassVar = [
            ("export_knowledge", "Can take approved answers out as a file"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["bot", "locale", "key"], name="curated_key_unique"),
            models.CheckConstraint(
                condition=Q(valid_from=None)
                | Q(valid_until=None)
                | Q(valid_until__gt=models.F("valid_from")),
                name="curated_valid_in_order",
                violation_error_message=_("It has to become valid before it ends."),
            ),
        ]

    def __str__(self) -> str:
        return self.key or str(self.public_id)


class QuestionVariant(models.Model):
    """One wording of a question. The first one is what customers are shown."""

    answer = models.ForeignKey(CuratedAnswer, models.CASCADE, related_name="variants")
    text = models.CharField(_("question"), max_length=500)
    normalized = models.CharField(max_length=600, db_index=True, editable=False)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering: ClassVar = ["position", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["answer", "normalized"], name="variant_unique")
        ]

    def __str__(self) -> str:
        return self.text


class AnswerRevision(models.Model):
    """An answer and its questions as they were once. Never changed."""

    answer = models.ForeignKey(CuratedAnswer, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField(_("version"))
    text = models.TextField(_("answer"))
    questions = models.JSONField(_("questions"), default=list)
    is_active = models.BooleanField(_("in use"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("author")
    )
    created_at = models.DateTimeField(_("changed"), auto_now_add=True)

    class Meta:
        verbose_name = _("version of an answer")
        verbose_name_plural = _("versions of answers")
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["answer", "number"], name="revision_number_unique")
        ]

    def __str__(self) -> str:
        return f"{self.answer} v{self.number}"


class QuestionVector(models.Model):
    """A wording's vector by one embedder, so that a restart embeds nothing again."""

    embedder = models.CharField(max_length=120)
    digest = models.BinaryField(max_length=32)
    vector = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["embedder", "digest"], name="vector_unique")
        ]

    def __str__(self) -> str:
        return f"vector by {self.embedder}"


class Dispute(models.Model):
    """A customer says that an answer was not for their question, or bad.

    From that moment on the answer is not served for this wording, to anybody, until a
    person decides. The answer itself stays: for other wordings, and for the model to read.
    """

    class Resolution(models.TextChoices):
        OPEN = "", _("open")
        SERVED = "served", _("the answer was right: serve it again")
        SEPARATED = "separated", _("another question: never serve it for this wording")

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="disputes", verbose_name=_("bot"))
    answer = models.ForeignKey(
        CuratedAnswer,
        models.CASCADE,
        null=True,
        related_name="disputes",
        verbose_name=_("curated answer"),
        help_text=_("None: an answer of the model that was served from the cache."),
    )
    message = models.ForeignKey("chat.Message", models.CASCADE, related_name="disputes")
    visitor = models.ForeignKey(Visitor, models.SET_NULL, null=True)
    locale = models.CharField(_("language"), max_length=10)
    question = models.TextField(_("question"))
    normalized = models.CharField(max_length=600)
    shown = models.TextField(_("answer shown"))
    is_other_question = models.BooleanField(_("not their question"), default=False)
    resolution = models.CharField(
        _("decision"), max_length=10, choices=Resolution.choices, default="", blank=True
    )
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False
    )
    resolved_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("reported"), auto_now_add=True)

    class Meta:
        verbose_name = _("disputed answer")
        verbose_name_plural = _("disputed answers")
        indexes: ClassVar = [models.Index(fields=["bot", "normalized"])]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message"], name="dispute_once_per_message")
        ]

    def __str__(self) -> str:
        return f"dispute {self.pk}"


class Calibration(models.Model):
    """Thresholds that were chosen on labelled questions, with what they cost and bring.

    The newest one of an embedder, language and purpose is in force.
    """

    class Purpose(models.TextChoices):
        MATCH = "match", _("serving approved answers")
        CONFIDENCE = "confidence", _("confidence of the model's answers")

    bot = models.ForeignKey(
        Bot,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="calibrations",
        verbose_name=_("bot"),
    )
    deployment = models.ForeignKey(
        Deployment,
        models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("deployment"),
        help_text=_("Of confidence: the model whose answers were judged."),
    )
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose.choices)
    embedder = models.CharField(_("embedder"), max_length=120)
    locale = models.CharField(_("language"), max_length=10)
    values = models.JSONField(_("values"))
    precision = models.FloatField(_("precision"), null=True)
    recall = models.FloatField(_("recall"), null=True)
    target = models.FloatField(_("false hits allowed"), null=True)
    curve = models.JSONField(_("curve"), default=list)
    samples = models.PositiveIntegerField(_("labelled questions"), default=0)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("calibration")
        verbose_name_plural = _("calibrations")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.purpose} {self.locale} {self.created_at:%Y-%m-%d}"

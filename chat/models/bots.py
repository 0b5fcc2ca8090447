"""A bot, the keys that servers use to reach it, and what it is served with."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.hours import validate_office_hours
from chat.models.fields import (
    validate_locale_questions,
    validate_locale_texts,
    validate_names,
    validate_origins,
)
from moderation.actors import Actor


class Bot(models.Model):
    """Somebody's assistant: how it introduces itself, and which sites may embed it."""

    class UnsureAnswers(models.TextChoices):
        OFFER = "offer", _("offer similar questions and a person instead")
        SHOW = "show", _("show them while they are written, with a warning")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=80, help_text=_("Shown to customers."))
    instructions = models.JSONField(
        _("instructions"),
        default=dict,
        blank=True,
        validators=[validate_locale_texts],
    )
    welcome = models.JSONField(
        _("welcome"), default=dict, blank=True, validators=[validate_locale_texts]
    )
    starter_questions = models.JSONField(
        _("starter questions"),
        default=dict,
        blank=True,
        validators=[validate_locale_questions],
    )
    allowed_sites = models.JSONField(
        _("allowed sites"),
        default=list,
        blank=True,
        validators=[validate_origins],
    )
    product_names = models.JSONField(
        _("product names"),
        default=list,
        blank=True,
        validators=[validate_names],
        help_text=_("An approved answer is served only if question and answer name the same ones."),
    )
    unsure_answers = models.CharField(
        _("answers that may be wrong"),
        max_length=5,
        choices=UnsureAnswers.choices,
        default=UnsureAnswers.OFFER,
    )
    confidence_threshold = models.FloatField(
        _("confidence wanted"),
        default=0.5,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Below it customers are offered similar questions and a person."),
    )
    office_hours = models.JSONField(
        _("office hours"),
        default=dict,
        blank=True,
        validators=[validate_office_hours],
        help_text=_("When people answer. Empty: always."),
    )
    retention_days = models.PositiveIntegerField(
        _("days that conversations are kept"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Conversations in which nothing was said for so long are erased, with all that belongs "
            "to them. Empty: they are kept."
        ),
    )
    retention_covers_examples = models.BooleanField(
        _("training examples, too"),
        default=False,
        help_text=_(
            "Examples made from such conversations are erased with them, from frozen versions, too. "
            "Otherwise they stay, masked."
        ),
    )
    knowledge_version = models.PositiveIntegerField(default=0, editable=False)
    theme_color = models.CharField(_("colour"), max_length=7, default="#0b6b5d")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("bot")
        verbose_name_plural = _("bots")
        permissions: ClassVar = [
            ("work_on_bot", "Can work on this bot"),
            ("work_on_all_bots", "Can work on every bot, later ones too"),
            ("view_analytics", "Can look at figures"),
            ("export_analytics", "Can take figures out as a file"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(theme_color__regex=r"^#[0-9a-fA-F]{6}$"),
                name="bot_theme_color_is_hex",
                violation_error_message=_("Write the colour as #rrggbb."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def inbox_group(self) -> str:
        """The channel-layer group of agents whose list shows this bot's conversations."""
        return f"inbox.{self.public_id.hex}"

    def text(self, texts: dict[str, str], locale: str) -> str:
        """The text for ``locale``, else the English one, else any, else nothing."""
        return texts.get(locale) or texts.get("en") or next(iter(texts.values()), "")


class ApiKey(models.Model):
    """Lets a company's own server ask a bot. The key itself is shown once and not kept."""

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="api_keys", verbose_name=_("bot"))
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(_("begins with"), max_length=12, editable=False)
    key_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"

    @property
    def actor(self) -> Actor:
        """Who that is in the audit trail."""
        return Actor("api_key", self.prefix, self.name)


class Deployment(models.Model):
    """What answers for a bot: the whole contract between training and serving.

    ``artifact`` names a folder below ``var/models/serving``; engines without one
    (``openai``, ``echo``) leave it empty. ``manifest_sha256`` is what its manifest was when
    somebody decided for it: runners load nothing else. Rows are written by
    :mod:`chat.services.deploying` alone, and going back to an earlier model writes a new one.
    """

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="deployments", verbose_name=_("bot"))
    version = models.PositiveIntegerField(_("version"))
    engine = models.CharField(_("engine"), max_length=20, default="auto")
    artifact = models.CharField(_("artifact"), max_length=200, blank=True)
    manifest_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    is_active = models.BooleanField(_("serves"), default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("deployment")
        verbose_name_plural = _("deployments")
        permissions: ClassVar = [
            ("promote_deployment", "Can put another model into service"),
            ("roll_back_deployment", "Can go back to an earlier model"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["bot", "version"], name="deployment_version_unique"),
            models.UniqueConstraint(
                fields=["bot"],
                condition=models.Q(is_active=True),
                name="deployment_one_active_per_bot",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bot} v{self.version}"

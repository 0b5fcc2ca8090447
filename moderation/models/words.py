"""The list of words: rows that people edit, and the immutable versions they publish."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from moderation.words.lexicon import LONGEST_TERM, Lexicon


class Word(models.Model):
    """One entry of the draft. Counts from the next published version on."""

    class Kind(models.TextChoices):
        FORBIDDEN = "forbidden", _("forbidden")
        ALLOWED = "allowed", _("allowed")

    term = models.CharField(_("term"), max_length=LONGEST_TERM)
    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=Kind.choices,
        default=Kind.FORBIDDEN,
        help_text=_(
            "Allowed terms protect what stands in them, for example 大麻烦 or your own phone number."
        ),
    )
    category = models.SlugField(_("category"), max_length=40, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("added by"),
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("word")
        verbose_name_plural = _("words")
        ordering: ClassVar = ["term"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["term", "kind"], name="word_term_unique"),
            models.CheckConstraint(
                condition=models.Q(kind="allowed") | ~models.Q(category=""),
                name="word_forbidden_has_category",
                violation_error_message=_("A forbidden word needs a category."),
            ),
        ]
        permissions: ClassVar = [("publish_words", _("Can publish and roll back word lists"))]

    def __str__(self) -> str:
        return self.term


class WordListVersion(models.Model):
    """All words at one moment. Never changed; ``content`` is :meth:`Lexicon.to_csv`."""

    number = models.PositiveIntegerField(_("version"), unique=True)
    content = models.TextField(editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    size = models.PositiveIntegerField(_("words"))
    note = models.CharField(_("what changed"), max_length=200, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("published by"),
    )
    published_at = models.DateTimeField(_("published"), auto_now_add=True)

    class Meta:
        verbose_name = _("word list version")
        verbose_name_plural = _("word list versions")
        ordering: ClassVar = ["-number"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return _("version %(number)d") % {"number": self.number}

    def lexicon(self) -> Lexicon:
        return Lexicon.from_csv(self.content)

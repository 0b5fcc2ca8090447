"""Policies: what happens to what is found, in immutable versions of which one is active."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from moderation.models.words import WordListVersion


class PolicyVersion(models.Model):
    """Rules and a word list that apply together. Only ``is_active`` ever changes."""

    number = models.PositiveIntegerField(_("version"), unique=True)
    word_list = models.ForeignKey(
        WordListVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="policies",
        verbose_name=_("word list"),
    )
    rules = models.JSONField(_("rules"))
    is_active = models.BooleanField(_("active"), default=False)
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
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        ordering: ClassVar = ["-number"]
        default_permissions = ("view",)
        permissions: ClassVar = [("publish_policy", _("Can publish and roll back policies"))]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_active"],
                condition=models.Q(is_active=True),
                name="policy_one_active",
            )
        ]

    def __str__(self) -> str:
        return _("version %(number)d") % {"number": self.number}

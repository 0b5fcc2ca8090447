"""The originals of masked personal data, encrypted, and who has seen which, and why."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from moderation.masking import placeholder


class SubjectKey(models.Model):
    """What the originals of one scope (a conversation) are sealed with, itself wrapped by a data
    key of the installation. Destroyed with its scope, it takes every copy of them along."""

    scope = models.CharField(_("conversation"), max_length=64, unique=True)
    wrapped = models.BinaryField(editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("subject key")
        verbose_name_plural = _("subject keys")
        default_permissions = ()

    def __str__(self) -> str:
        return f"key of {self.scope}"


class Original(models.Model):
    """What a placeholder stands for, within one scope (a conversation).

    ``digest`` finds the same value again in its scope without decrypting, ``locator`` in all
    scopes: both are keyed, so that nobody who has only the table can guess phone numbers
    against them. ``ciphertext`` is sealed with the scope's :class:`SubjectKey`.
    """

    scope = models.CharField(_("conversation"), max_length=64)
    kind = models.CharField(_("kind"), max_length=20)
    number = models.PositiveIntegerField(_("number"))
    digest = models.BinaryField(max_length=32, editable=False)
    locator = models.BinaryField(max_length=32, default=bytes, editable=False)
    ciphertext = models.BinaryField(editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("masked original")
        verbose_name_plural = _("masked originals")
        ordering: ClassVar = ["-id"]
        default_permissions = ("view",)
        permissions: ClassVar = [("reveal_original", _("Can reveal masked personal data"))]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scope", "kind", "number"], name="original_number_unique"
            ),
            models.UniqueConstraint(
                fields=["scope", "kind", "digest"], name="original_value_unique"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["locator"], name="original_locator")]

    def __str__(self) -> str:
        return placeholder(self.kind, self.number)


class Reveal(models.Model):
    """Somebody saw an original. Written in the transaction that decrypts; never changed."""

    original = models.ForeignKey(Original, models.SET_NULL, null=True, related_name="reveals")
    scope = models.CharField(_("conversation"), max_length=64)
    label = models.CharField(_("placeholder"), max_length=40)
    reason = models.CharField(_("reason"), max_length=300)
    revealed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("revealed by")
    )
    revealed_at = models.DateTimeField(_("revealed"), auto_now_add=True)

    class Meta:
        verbose_name = _("reveal")
        verbose_name_plural = _("reveals")
        ordering: ClassVar = ["-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.label

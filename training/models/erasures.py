"""That people were erased, and what had been made of what they said. Names nobody."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models import Bot


class Erasure(models.Model):
    """One erasure: of a visitor, whose certificate it is, or of old conversations (``visitor`` empty).

    The rows are gone when it is created; ``leftovers`` says what remains to be done to files and
    caches, and is empty once ``finished_at`` is set. ``counts`` are by kind of row. ``versions``
    are the dataset versions that lost rows, ``trained`` the models
    that had learnt from those.
    ``commitments`` hold a salt and keyed digests: whoever has an id can prove that it was covered,
    nobody can get the id from them.
    """

    class Reason(models.TextChoices):
        ASKED = "asked", _("the person asked for it")
        WITHDRAWN = "withdrawn", _("consent was withdrawn")
        UNNEEDED = "unneeded", _("no longer needed")
        UNLAWFUL = "unlawful", _("should never have been kept")
        ORDERED = "ordered", _("an authority ordered it")
        RETENTION = "retention", _("kept as long as the bot's rule says")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    # The public id that the visitor had: the row it named is gone.
    visitor = models.UUIDField(_("visitor"), null=True, editable=False)
    bot = models.ForeignKey(
        Bot, models.SET_NULL, null=True, related_name="erasures", verbose_name=_("bot")
    )
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    reference = models.CharField(
        _("reference"),
        max_length=40,
        blank=True,
        validators=[
            RegexValidator(r"^[\w./#-]*$", _("Letters, digits and . / # - _ only, without spaces."))
        ],
        help_text=_("The number of the request in your own files. No names: it is kept for good."),
    )
    counts = models.JSONField(_("erased"), default=dict)
    commitments = models.JSONField(default=dict, editable=False)
    versions = models.JSONField(_("dataset versions"), default=list)
    trained = models.JSONField(_("models trained on it"), default=list)
    leftovers = models.JSONField(default=dict, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("erased by"),
    )
    created_at = models.DateTimeField(_("begun"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering: ClassVar = ["-id"]
        default_permissions = ("view",)
        indexes: ClassVar = [models.Index(fields=["finished_at"], name="erasure_unfinished")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.public_id}"

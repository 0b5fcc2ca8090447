"""Two deployments answer for one bot at a time, each its own customers."""

import hashlib
import uuid
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.bots import Bot, Deployment

LARGEST_SHARE = 50
"""Percent. More would make the challenger what serves, without a promotion."""


class Split(models.Model):
    """While it is open, ``share`` percent of a bot's visitors are answered by the challenger.

    The challenger is a deployment that is not active. ``trouble`` says why a runner could not load
    it: its visitors are answered by the champion then. Written by :mod:`chat.services.splitting`.
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="splits")
    champion = models.ForeignKey(Deployment, models.CASCADE, related_name="defences")
    challenger = models.ForeignKey(Deployment, models.CASCADE, related_name="challenges")
    share = models.PositiveSmallIntegerField(
        _("share, percent"), validators=[MinValueValidator(1), MaxValueValidator(LARGEST_SHARE)]
    )
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    trouble = models.CharField(_("trouble"), max_length=300, blank=True)

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["bot"], condition=models.Q(ended_at=None), name="split_one_open_per_bot"
            ),
            models.CheckConstraint(
                condition=models.Q(share__range=(1, LARGEST_SHARE)), name="split_share_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"split {self.public_id}"

    def is_challengers(self, visitor: uuid.UUID) -> bool:
        """Whether the visitor with that public id belongs to the challenger: the same for ever, on
        every machine, and independent of every other split."""
        digest = hashlib.sha256(self.public_id.bytes + visitor.bytes).digest()
        return int.from_bytes(digest[:8]) % 100 < self.share

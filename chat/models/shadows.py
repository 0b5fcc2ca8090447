"""A candidate answers customers' questions beside what serves, and no customer sees it."""

import hashlib
import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.bots import Bot, Deployment
from chat.models.knowledge import CuratedAnswer
from chat.models.messages import Message

MOST_ANSWERS = 10_000


class Shadow(models.Model):
    """While it is open, the candidate answers ``share`` percent of what the champion answered.

    The candidate is a deployment that is not active. ``limit`` is how many answers it ends by
    itself after. ``looked_to`` is the newest message (its number in the database) of which it is known whether it belongs to the sample.
    ``trouble`` says why a runner could not load the candidate. Written by :mod:`chat.services.shadowing`.
    """

    class Reason(models.TextChoices):
        FINISHED = "finished", _("all answers are there")
        STOPPED = "stopped", _("stopped by somebody")
        OUTDATED = "outdated", _("something else serves")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="shadows", verbose_name=_("bot"))
    champion = models.ForeignKey(Deployment, models.CASCADE, related_name="shadowed_by")
    candidate = models.ForeignKey(Deployment, models.CASCADE, related_name="shadows")
    share = models.PositiveSmallIntegerField(
        _("share, percent"), validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    limit = models.PositiveIntegerField(
        _("answers"), validators=[MinValueValidator(1), MaxValueValidator(MOST_ANSWERS)]
    )
    looked_to = models.BigIntegerField(default=0, editable=False)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(_("ended"), null=True)
    reason = models.CharField(_("why it ended"), max_length=10, choices=Reason.choices, blank=True)
    trouble = models.CharField(_("trouble"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("shadow")
        verbose_name_plural = _("shadows")
        default_permissions = ("view",)
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["bot"], condition=models.Q(ended_at=None), name="shadow_one_open_per_bot"
            ),
            models.CheckConstraint(
                condition=models.Q(share__range=(1, 100)), name="shadow_share_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"shadow {self.public_id}"

    def is_sampled(self, reply: uuid.UUID) -> bool:
        """Whether the reply with that public id belongs to the sample: the same on every machine,
        and independent of every other shadow."""
        digest = hashlib.sha256(self.public_id.bytes + reply.bytes).digest()
        return int.from_bytes(digest[:8]) % 100 < self.share


class ShadowAnswer(models.Model):
    """What the candidate would have said in place of one reply.

    A row of its own and no message, as with suggestions: nothing that customers are shown is ever
    looked for here. It goes with the reply's conversation. ``text`` is masked; it is empty for ``source`` "notice": the candidate was
    not sure enough, or what it wrote may not be said. ``latency`` is in seconds. ``likeness`` is the
    cosine of the two texts, ``difference`` what speaks against one meaning (:mod:`chat.knowledge.sameness`).
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting")
        WRITING = "writing", _("being written")
        ANSWERED = "answered", _("answered")
        FAILED = "failed", _("failed")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    shadow = models.ForeignKey(Shadow, models.CASCADE, related_name="answers")
    message = models.ForeignKey(Message, models.CASCADE, related_name="shadow_answers")
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.PENDING
    )
    text = models.TextField(_("text"), blank=True)
    source = models.CharField(
        _("source"), max_length=10, choices=Message.Source.choices, blank=True
    )
    code = models.CharField(_("code"), max_length=40, blank=True)
    curated_answer = models.ForeignKey(CuratedAnswer, models.SET_NULL, null=True, related_name="+")
    confidence = models.FloatField(_("confidence"), null=True)
    latency = models.FloatField(_("seconds"), null=True)
    likeness = models.FloatField(_("likeness"), null=True)
    difference = models.CharField(_("difference"), max_length=20, blank=True)
    same_meaning = models.BooleanField(_("says the same"), null=True)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    lease_owner = models.CharField(max_length=80, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("shadow answer")
        verbose_name_plural = _("shadow answers")
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["shadow", "message"], name="shadow_answer_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["shadow", "status", "id"], name="shadow_answer_queue")
        ]

    def __str__(self) -> str:
        return f"shadow answer {self.public_id}"

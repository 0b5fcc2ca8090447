"""What people said of answers that a candidate gave in the shadow of what serves."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models import Bot, Message, Shadow, ShadowAnswer


class ShadowVote(models.Model):
    """One person's look at one pair of answers; which was whose was not shown.

    ``answer`` goes with the customer's words; the vote stays, says nothing about them and is not
    counted any more.
    """

    class Choice(models.TextChoices):
        CHAMPION = "champion", _("what serves is right")
        CANDIDATE = "candidate", _("the candidate is right")
        BOTH = "both", _("both are right")
        NEITHER = "neither", _("both are wrong")

    shadow = models.ForeignKey(Shadow, models.CASCADE, related_name="votes")
    answer = models.ForeignKey(ShadowAnswer, models.SET_NULL, null=True, related_name="votes")
    choice = models.CharField(_("vote"), max_length=10, choices=Choice.choices)
    voter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(_("voted"), auto_now_add=True)

    class Meta:
        verbose_name = _("vote")
        verbose_name_plural = _("votes")
        default_permissions = ("add",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["answer", "voter"], name="shadow_vote_once")
        ]

    def __str__(self) -> str:
        return f"vote on {self.answer_id}"


class VotedCase(models.Model):
    """A customer's question, and the answer that those who voted found right: every evaluation of a
    model for ``bot`` asks it.

    Masked by the rules for training data. It goes with its conversation: by erasure, and by age.
    ``hands_over``: the right answer was to offer a person.
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="voted_cases")
    message = models.OneToOneField(
        Message, models.SET_NULL, null=True, related_name="voted_case", editable=False
    )
    locale = models.CharField(_("language"), max_length=10)
    turns = models.JSONField(_("turns before the answer"), default=list)
    text = models.TextField(_("right answer"))
    hands_over = models.BooleanField(default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("question with a voted answer")
        verbose_name_plural = _("questions with voted answers")
        default_permissions = ()
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"voted case {self.public_id}"

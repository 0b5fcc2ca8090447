"""What live conversations propose for training, and what reviewers decided."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models import Bot, Conversation, Message
from training.models.datasets import Example, Scenario


class ReviewItem(models.Model):
    """One answer that a conversation proposes: ``turns`` before it, and ``answer``.

    Nothing is learned from it before somebody approves it who did not write it (``text_author``: the
    agent who answered, or the reviewer who edited). ``failed`` is what the bot had said instead. Items
    of one ``cluster`` ask nearly the same; ``covers`` counts the conversations of the last week that
    asked it, ``value`` orders the queue. All text is masked.
    """

    class Reason(models.TextChoices):
        TAKEN_OVER = "taken_over", _("an agent answered")
        CORRECTED = "corrected", _("a colleague put it right")
        ASKED = "asked", _("a colleague proposed it")
        DISLIKED = "disliked", _("the answer did not help")
        UNANSWERED = "unanswered", _("the bot had no answer")
        LIKED = "liked", _("the answer helped")

    class Risk(models.TextChoices):
        """Why one person is not enough."""

        EDITED = "edited", _("much was changed")
        PERSONAL = "personal", _("something personal was in the answer")
        CONTRADICTION = "contradiction", _("another answer is approved for this question")
        COMPLAINT = "complaint", _("a complaint")
        DISAGREEMENT = "disagreement", _("reviewers decided differently on others like it")

    class Status(models.TextChoices):
        OPEN = "open", _("to be decided")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="review_items", verbose_name=_("bot"))
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="review_items", verbose_name=_("conversation")
    )
    # The answer that is proposed, or the one that failed: proposed once.
    message = models.OneToOneField(Message, models.CASCADE, related_name="review_item")
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    locale = models.CharField(_("language"), max_length=10)
    scenario = models.CharField(
        _("scenario"), max_length=20, choices=Scenario.choices, default=Scenario.OTHER
    )
    turns = models.JSONField(_("turns"))
    answer = models.TextField(_("answer"), blank=True)
    # As it was proposed, to be compared with what reviewers made of it.
    original = models.JSONField(default=dict)
    failed = models.TextField(_("the bot had said"), blank=True)
    text_author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    cluster = models.CharField(max_length=64, db_index=True)
    covers = models.PositiveIntegerField(_("covers"), default=1)
    value = models.FloatField(_("value"), default=0)
    is_risky = models.BooleanField(_("needs a second reviewer"), default=False)
    risks = models.JSONField(_("why one person is not enough"), default=list)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.OPEN
    )
    example = models.ForeignKey(
        Example, models.SET_NULL, null=True, related_name="review_items", verbose_name=_("example")
    )
    # The batch that it is reviewed in, if it is in one.
    increment = models.ForeignKey(
        "training.Increment",
        models.SET_NULL,
        null=True,
        related_name="items",
        verbose_name=_("increment"),
    )
    # Decided, and read once more by somebody who does not see how.
    is_read_again = models.BooleanField(default=False, db_index=True)
    # Shown to one reviewer at a time.
    lent_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    lent_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("proposed"), auto_now_add=True)

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["bot", "status", "-value", "id"], name="review_queue")
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.public_id}"

    @property
    def question(self) -> str:
        """What the customer said last."""
        return str(self.turns[-1]["content"]) if self.turns else ""


class ReviewDecision(models.Model):
    """What one reviewer decided about one item. Undone ones stay, and count no more."""

    class Verdict(models.TextChoices):
        APPROVE = "approve", _("approved")
        HAND_OVER = "hand_over", _("a person should answer")
        EDIT = "edit", _("edited, for somebody else to approve")
        REJECT = "reject", _("rejected")
        SKIP = "skip", _("passed over")

    class Rejection(models.TextChoices):
        WRONG = "wrong", _("wrong")
        PERSONAL = "personal", _("only about this customer")
        OUTDATED = "outdated", _("out of date")
        UNCLEAR = "unclear", _("unclear without more context")
        STYLE = "style", _("not how we speak")
        OTHER = "other", _("something else")

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="decisions")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("reviewer")
    )
    verdict = models.CharField(_("decision"), max_length=10, choices=Verdict.choices)
    rejection = models.CharField(_("reason"), max_length=10, choices=Rejection.choices, blank=True)
    # What the item was before, so that undoing it loses nothing, and what it was made.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    # Of one keystroke: sent again, it decides nothing again, and all of it is undone together.
    batch = models.UUIDField(default=uuid.uuid4, editable=False)
    seconds = models.FloatField(_("seconds"), default=0)
    created_at = models.DateTimeField(_("decided"), auto_now_add=True)
    undone_at = models.DateTimeField(_("undone"), null=True)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering: ClassVar = ["-id"]
        default_permissions = ()
        indexes: ClassVar = [
            models.Index(fields=["reviewer", "-created_at"], name="review_decisions_of"),
            models.Index(fields=["batch"], name="review_decisions_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} of {self.item_id}"

"""What training waits for people with, on the console's first page."""

from collections.abc import Iterator
from datetime import timedelta

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.access import bots_of
from chat.console.attention import Attention, source
from training.access import datasets_of, runs_of
from training.models import Example, Increment, OverrideRequest, TrainingRun

RECENT = timedelta(days=7)


@source
def examples(user: User) -> Iterator[Attention]:
    if not user.has_perms(["training.view_example"]) or not (
        user.has_perm("training.review_example") or user.has_perm("training.approve_example")
    ):
        return
    drafts = Example.objects.filter(
        dataset__in=datasets_of(user), status=Example.Status.DRAFT
    ).count()
    review = f"{reverse('admin:training_example_changelist')}?status__exact=draft"
    yield Attention(_("Examples to be reviewed"), drafts, review)


@source
def runs(user: User) -> Iterator[Attention]:
    if not user.has_perm("training.view_trainingrun"):
        return
    status = TrainingRun.Status
    mine = runs_of(user)
    address = reverse("admin:training_trainingrun_changelist")
    running = mine.filter(status__in=[status.QUEUED, status.RUNNING])
    yield Attention(_("Trainings under way"), running.count(), address)
    failed = mine.filter(status=status.FAILED, finished_at__gte=timezone.now() - RECENT)
    yield Attention(
        _("Trainings that failed in the last 7 days"),
        failed.count(),
        f"{address}?status__exact={status.FAILED}",
    )


@source
def increments(user: User) -> Iterator[Attention]:
    """Batches for those who close them, candidates for those who promote them."""
    if not user.has_perm("training.view_increment"):
        return
    stage = Increment.Stage
    mine = Increment.objects.filter(bot__in=bots_of(user))
    address = reverse("admin:training_increment_changelist")
    if user.has_perm("training.approve_example"):
        waiting = mine.filter(stage=stage.REVIEW).count()
        yield Attention(
            _("Increments being reviewed"), waiting, f"{address}?stage__exact={stage.REVIEW}"
        )
    if user.has_perm("training.promote_modelversion"):
        waiting = mine.filter(stage=stage.GATE).count()
        yield Attention(
            _("New models that wait for their promotion"),
            waiting,
            f"{address}?stage__exact={stage.GATE}",
        )


@source
def overrides(user: User) -> Iterator[Attention]:
    """A closed gate that somebody else wants to pass."""
    if not user.has_perm("training.override_gate"):
        return
    asked = OverrideRequest.objects.filter(bot__in=bots_of(user), ended_at=None)
    yield Attention(
        _("Models that somebody wants although a gate is closed"),
        asked.exclude(asked_by=user).count(),
        reverse("admin:training_modelversion_changelist"),
    )

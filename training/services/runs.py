"""The queue of training runs: one at a time on each device, under a lease.

The table is the queue; Celery only rings. Whoever works on a run names its fence in every
write, and the number grows with every claim: a trainer that was believed dead matches no row
any more. Crashes are tried again, at most :data:`MAX_CRASHES` times without a new checkpoint.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from moderation.services import audit
from training.failures import LostLease
from training.models import RunEvent, RunMetric, TrainingRun
from training.planner import Plan
from training.presentation import refusal_texts
from training.progress import Reported
from training.services import announcing
from training.services.ordering import Order

Status = TrainingRun.Status
Stage = TrainingRun.Stage

LEASE_SECONDS = 45
MAX_CRASHES = 3
SMALLEST_BATCH_DIVISOR = 2
"""Out of memory: tried once more with batches of half the size."""
ERROR_CHARACTERS = 500
_TRAINING_FIELDS = ["loss", "learning_rate", "tokens_per_second", "memory_bytes"]


_AUDITED = ("queued", "finished", "failed", "cancelled", "cancel_requested", "taken_up_again")


class DoesNotFit(Exception):
    """The prediction says that the run cannot work here; the text says why, for people."""


class NotCancellable(Exception):
    """The run is over."""


class NotResumable(Exception):
    """Only what failed or was cancelled can be taken up again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one run, until the lease ends.

    ``is_expired``: its owner fell silent, and the right is ours unless it speaks again.
    """

    run: TrainingRun
    fence: int
    is_expired: bool = False


@transaction.atomic
def queue(order: Order, plan: Plan, *, created_by: User | None = None) -> TrainingRun:
    """Freeze what a run is made of and put it in line. Raises :class:`DoesNotFit`."""
    if plan.refusals:
        raise DoesNotFit(" ".join(refusal_texts(plan)))
    run = order.run()
    run.plan, run.created_by = asdict(plan), created_by
    run.save()
    _note(run, "queued")
    announcing.call_trainers()
    return run


def claim(*, device: str, owner: str, only: TrainingRun | None = None) -> Claim | None:
    """Take the run that has waited longest for ``device``; None if it is busy or none waits.

    ``only`` takes that run or none, whoever else waits.
    """
    recover_expired(device=device)
    waiting = TrainingRun.objects.filter(device=device, status=Status.QUEUED).order_by("id")
    if only is not None:
        waiting = waiting.filter(pk=only.pk)
    first = waiting.first()
    return None if first is None else _claim_one(first, owner)


def _claim_one(run: TrainingRun, owner: str) -> Claim | None:
    now = timezone.now()
    try:
        with transaction.atomic():
            taken = TrainingRun.objects.filter(
                pk=run.pk, status=Status.QUEUED, fence=run.fence
            ).update(
                status=Status.RUNNING,
                stage=Stage.PREPARING,
                stage_share=0,
                lease_owner=owner,
                lease_until=_lease_end(),
                fence=run.fence + 1,
                attempts=F("attempts") + 1,
                started_at=run.started_at or now,
                seconds_left=None,
            )
            if not taken:
                return None
            run = TrainingRun.objects.get(pk=run.pk)
            _note(run, "claimed", attempt=run.attempts)
            announcing.announce_run(run)
            return Claim(run, run.fence)
    except IntegrityError:
        # Another run of this device began in the same instant.
        return None


def recover_expired(*, device: str) -> None:
    """Take the run of ``device`` from an owner that fell silent: back in line, or over."""
    silent = TrainingRun.objects.filter(
        device=device, status=Status.RUNNING, lease_until__lt=timezone.now()
    )
    for run in silent:
        lost = Claim(run, run.fence, is_expired=True)
        try:
            if run.cancel_requested:
                cancel_claimed(lost)
            else:
                crash(lost, "The process that worked on it ended without a word.")
        except LostLease:
            # Recovered by somebody else, or its owner spoke again.
            continue


def renew(claim: Claim) -> None:
    """Prolong the lease. Raises :class:`LostLease`."""
    _write(claim)


def is_cancelled(claim: Claim) -> bool:
    """Whether somebody asked to stop it. Raises :class:`LostLease`."""
    wanted = _held(claim).values_list("cancel_requested", flat=True).first()
    if wanted is None:
        raise LostLease
    return wanted


def hold(claim: Claim) -> TrainingRun:
    """Inside a transaction: the run, locked, so that nobody takes it over before the commit.

    For side effects that must happen once. Raises :class:`LostLease`.
    """
    held = _held(claim).select_for_update().first()
    if held is None:
        raise LostLease
    return held


@transaction.atomic
def set_stage(claim: Claim, stage: Stage) -> None:
    """Begin a stage. Raises :class:`LostLease`."""
    _write(claim, stage=stage, stage_share=0, seconds_left=None)
    announcing.announce_run(claim.run)


@transaction.atomic
def report(claim: Claim, reported: Reported) -> None:
    """Store what a stage said since the last time. Raises :class:`LostLease`, storing nothing."""
    changes = reported.changes(claim.run.progress)
    if _gets_ahead(claim.run, reported):
        # Crashes are counted anew.
        changes["failures"] = 0
    _write(claim, **changes)
    points = [RunMetric(run=claim.run, **asdict(point)) for point in reported.points]
    _store([each for each in points if each.heldout_loss is None], _TRAINING_FIELDS)
    _store([each for each in points if each.heldout_loss is not None], ["heldout_loss"])
    for kind, detail in reported.notes:
        _note(claim.run, kind, **detail)
    announcing.announce_points(claim.run, points)


def finish(claim: Claim) -> None:
    """Everything is done and published. Raises :class:`LostLease`."""
    _end(claim, "finished", Status.SUCCEEDED)


def fail(claim: Claim, code: str, text: str) -> None:
    """Trying again would not help. Raises :class:`LostLease`."""
    _end(claim, "failed", Status.FAILED, error_code=code, error=text[:ERROR_CHARACTERS])


def crash(claim: Claim, text: str) -> None:
    """A process died or raised: in line again, or failed after too many times."""
    failures = claim.run.failures + 1
    if failures >= MAX_CRASHES:
        error = {"error_code": "crashed", "error": text[:ERROR_CHARACTERS]}
        _end(claim, "failed", Status.FAILED, failures=failures, **error)
        return
    _back_in_line(claim, "crashed", {"text": text[:ERROR_CHARACTERS]}, failures=failures)


def run_out_of_memory(claim: Claim) -> None:
    """In line again with half the batch, once; then failed. Raises :class:`LostLease`."""
    divisor = claim.run.batch_divisor * 2
    if divisor > SMALLEST_BATCH_DIVISOR:
        fail(claim, "oom", "There is not enough memory, not even for batches of half the size.")
        return
    _back_in_line(claim, "out_of_memory", {"batch_divisor": divisor}, batch_divisor=divisor)


def requeue(claim: Claim) -> None:
    """Give it back: this process stops, nothing went wrong. Raises :class:`LostLease`."""
    _back_in_line(claim, "requeued", {})


def cancel_claimed(claim: Claim) -> None:
    """Whoever works on it has stopped, as somebody asked. Raises :class:`LostLease`."""
    _end(claim, "cancelled", Status.CANCELLED)


@transaction.atomic
def request_cancel(run: TrainingRun) -> TrainingRun:
    """Cancel what waits at once, and what runs within seconds. Raises :class:`NotCancellable`."""
    open_runs = TrainingRun.objects.filter(pk=run.pk)
    waiting = open_runs.filter(status=Status.QUEUED).update(
        status=Status.CANCELLED, finished_at=timezone.now()
    )
    if not waiting and not open_runs.filter(status=Status.RUNNING).update(cancel_requested=True):
        raise NotCancellable
    run = TrainingRun.objects.get(pk=run.pk)
    _note(run, "cancelled" if waiting else "cancel_requested")
    announcing.announce_run(run)
    return run


@transaction.atomic
def resume(run: TrainingRun) -> TrainingRun:
    """Put a failed or cancelled run in line again; it goes on from its last checkpoint.

    Raises :class:`NotResumable`.
    """
    resumed = TrainingRun.objects.filter(
        pk=run.pk, status__in=[Status.FAILED, Status.CANCELLED]
    ).update(
        status=Status.QUEUED,
        stage="",
        error_code="",
        error="",
        failures=0,
        cancel_requested=False,
        finished_at=None,
    )
    if not resumed:
        raise NotResumable
    run = TrainingRun.objects.get(pk=run.pk)
    _note(run, "taken_up_again")
    announcing.announce_run(run)
    announcing.call_trainers()
    return run


def _gets_ahead(run: TrainingRun, reported: Reported) -> bool:
    """Whether there is a checkpoint of a later step than the last one that was noted."""
    steps = [detail["step"] for kind, detail in reported.notes if kind == "checkpoint"]
    if not steps:
        return False
    noted = RunEvent.objects.filter(run=run, kind="checkpoint").order_by("-id")
    last = noted.values_list("detail", flat=True).first()
    return last is None or max(steps) > last["step"]


def _store(points: list[RunMetric], fields: list[str]) -> None:
    """A step that is done again after a crash replaces what was said of it."""
    RunMetric.objects.bulk_create(
        points,
        update_conflicts=True,
        unique_fields=["run", "step"],
        update_fields=[*fields, "seconds"],
    )


def _held(claim: Claim) -> QuerySet[TrainingRun]:
    held = TrainingRun.objects.filter(pk=claim.run.pk, status=Status.RUNNING, fence=claim.fence)
    return held.filter(lease_until__lt=timezone.now()) if claim.is_expired else held


def _write(claim: Claim, **changes: Any) -> None:
    """Change the run if it is ours, and prolong the lease, in one UPDATE."""
    changes = {"lease_until": _lease_end(), **changes}
    if not _held(claim).update(**changes):
        raise LostLease
    for name, value in changes.items():
        setattr(claim.run, name, value)


@transaction.atomic
def _back_in_line(claim: Claim, kind: str, detail: dict[str, Any], **changes: Any) -> None:
    _write(claim, status=Status.QUEUED, stage="", lease_owner="", lease_until=None, **changes)
    _note(claim.run, kind, **detail)
    announcing.announce_run(claim.run)
    announcing.call_trainers()


@transaction.atomic
def _end(claim: Claim, kind: str, status: Status, **changes: Any) -> None:
    _write(
        claim,
        status=status,
        lease_owner="",
        lease_until=None,
        finished_at=timezone.now(),
        seconds_left=None,
        **changes,
    )
    _note(claim.run, kind, **changes)
    announcing.announce_run(claim.run)
    announcing.call_trainers()


def _note(run: TrainingRun, kind: str, **detail: Any) -> None:
    announcing.announce_note(run, RunEvent.objects.create(run=run, kind=kind, detail=detail))
    if kind in _AUDITED:
        audit.record(
            f"run.{kind}",
            target=f"run:{run.public_id}",
            bot=run.bot.slug,
            facts={"dataset": run.dataset_version.sha256, "recipe": run.recipe_name},
        )


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=LEASE_SECONDS)

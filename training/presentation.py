"""Runs as JSON, for sockets and for the console."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from training import forecasting
from training.events import NoteData, PointData, RunData
from training.models import RunEvent, RunMetric, TrainingRun
from training.planner import Plan

MEBIBYTE = 1024**2


def run_data(run: TrainingRun) -> RunData:
    data: Any = {
        "id": str(run.public_id),
        "status": run.status,
        "stage": run.stage,
        "stage_share": run.stage_share,
        "seconds_left": run.seconds_left,
        "share": _share(run),
        "total_seconds_left": forecasting.seconds_left(
            run.stage, run.stage_share, run.seconds_left, run.plan
        ),
        "step": run.step,
        "total_steps": run.total_steps,
        "attempts": run.attempts,
        "cancel_requested": run.cancel_requested,
        "error_code": run.error_code,
        "error": run.error,
        "started_at": _time(run.started_at),
        "finished_at": _time(run.finished_at),
    }
    return data  # type: ignore[no-any-return]  # the literals are those of the model's choices


def point_data(metric: RunMetric) -> PointData:
    return {
        "step": metric.step,
        "loss": metric.loss,
        "heldout_loss": metric.heldout_loss,
        "learning_rate": metric.learning_rate,
        "tokens_per_second": metric.tokens_per_second,
        "memory_bytes": metric.memory_bytes,
        "seconds": metric.seconds,
    }


def note_data(event: RunEvent) -> NoteData:
    # Lists of questions are counted otherwise, and told in words of their own.
    are_lists = event.kind == "prepared" and "questions" in event.detail
    return {
        "kind": "lists_prepared" if are_lists else event.kind,
        "detail": event.detail,
        "created_at": event.created_at.isoformat(),
    }


def refusal_texts(plan: Plan) -> list[str]:
    """Why a run cannot work here, and what would help, in sentences."""
    sentences = {
        "no_examples": _("The dataset version has no examples to train on."),
        "memory": _(
            "Training needs %(memory)s MB of memory and %(free_memory)s MB are free: take smaller "
            "batches, shorter examples or a smaller base model."
        ),
        "disk": _(
            "The run needs %(disk)s MB on disk and %(free_disk)s MB are free: delete old runs, or "
            "set CSBOT_VAR_DIR to another disk."
        ),
    }
    sizes = {
        "memory": (plan.memory_bytes or 0) // MEBIBYTE,
        "free_memory": plan.free_memory_bytes // MEBIBYTE,
        "disk": plan.disk_bytes // MEBIBYTE,
        "free_disk": plan.free_disk_bytes // MEBIBYTE,
    }
    return [sentences[code] % sizes for code in plan.refusals]


def _share(run: TrainingRun) -> float:
    """Of the whole run. One that is in line again has no stage, and keeps what it trained."""
    if run.status == run.Status.SUCCEEDED:
        return 1.0
    if run.stage or not run.total_steps:
        return forecasting.share(run.stage, run.stage_share, run.plan)
    return forecasting.share("training", run.step / run.total_steps, run.plan)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

"""Tells run pages what changed, and trainers that something waits. Hints, as in chat."""

import logging
from collections.abc import Sequence

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from chat.services.publishing import group_send
from training.events import RunChanged, RunMeasured, RunNoted
from training.models import RunEvent, RunMetric, TrainingRun
from training.presentation import note_data, point_data, run_data

logger = logging.getLogger(__name__)

TASK = "training.tasks.work_training_queue"


def announce_run(run: TrainingRun) -> None:
    """After commit, send the run as it is now."""
    event: RunChanged = {"type": "run.changed", "run": run_data(run)}
    transaction.on_commit(lambda: group_send(run.group, "event", {"frame": event}))


def announce_points(run: TrainingRun, points: Sequence[RunMetric]) -> None:
    """After commit, send new points of the curves."""
    event: RunMeasured = {
        "type": "run.measured",
        "run": run_data(run),
        "points": [point_data(each) for each in points],
    }
    transaction.on_commit(lambda: group_send(run.group, "event", {"frame": event}))


def announce_note(run: TrainingRun, note: RunEvent) -> None:
    """After commit, send a line of the run's story."""
    event: RunNoted = {"type": "run.noted", "note": note_data(note)}
    transaction.on_commit(lambda: group_send(run.group, "event", {"frame": event}))


def call_trainers() -> None:
    """After commit, wake a trainer. A lost call costs half a minute: the schedule calls too."""
    transaction.on_commit(_call_trainers)


def _call_trainers() -> None:
    try:
        current_app.send_task(TASK, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("broker unreachable (%s): no trainer called", type(error).__name__)

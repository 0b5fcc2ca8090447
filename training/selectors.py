"""What is asked of runs: their state for whoever watches, and who waits before them."""

from collections.abc import Sequence
from typing import TypeVar

from training.events import NoteData, PointData, RunState
from training.models import TrainingRun
from training.presentation import note_data, point_data, run_data

SHOWN_POINTS = 600
"""More than a curve on a screen has pixels for."""
SHOWN_NOTES = 200

T = TypeVar("T")


def run_state(pk: int) -> RunState:
    """Everything a run page shows of it: the run as it is now, its curves and its story."""
    run = TrainingRun.objects.get(pk=pk)
    return {"type": "run.state", "run": run_data(run), "points": _points(run), "notes": _notes(run)}


def runs_before(run: TrainingRun) -> int:
    """How many runs of its device come before one that waits."""
    status = TrainingRun.Status
    same = TrainingRun.objects.filter(device=run.device)
    return (
        same.filter(status=status.QUEUED, pk__lt=run.pk).count()
        + same.filter(status=status.RUNNING).count()
    )


def _points(run: TrainingRun) -> list[PointData]:
    points = [point_data(each) for each in run.metrics.all()]
    heldout = [each for each in points if each["heldout_loss"] is not None]
    trained = [each for each in points if each["heldout_loss"] is None]
    return sorted([*heldout, *_thinned(trained, SHOWN_POINTS)], key=lambda each: each["step"])


def _thinned(points: Sequence[T], most: int) -> list[T]:
    """Evenly, and always the last."""
    if len(points) <= most:
        return list(points)
    stride = -(-len(points) // most)
    return [*points[:-1:stride], points[-1]]


def _notes(run: TrainingRun) -> list[NoteData]:
    newest = run.events.order_by("-id")[:SHOWN_NOTES]
    return [note_data(each) for each in reversed(newest)]

"""What runs say of themselves, in the words of their page."""

from collections import defaultdict
from typing import Any

from django.utils.translation import gettext_lazy as _

from training.events import NoteData, RunData
from training.models import TrainingRun

Status = TrainingRun.Status

STATUSES = {status.value: status.label for status in Status}
STAGES = {stage.value: stage.label for stage in TrainingRun.Stage}
COLOURS = {
    Status.QUEUED.value: "info",
    Status.RUNNING.value: "primary",
    Status.SUCCEEDED.value: "success",
    Status.FAILED.value: "danger",
    Status.CANCELLED.value: "warning",
}
"""Of the theme."""
NOTES = {
    "queued": _("Put in line."),
    "claimed": _("A trainer took it up, attempt %(attempt)s."),
    "prepared": _(
        "%(examples)s examples prepared, %(hard)s of them hard, %(unknown)s out of scope."
    ),
    "lists_prepared": _(
        "%(examples)s lists of questions prepared: %(questions)s questions of %(answers)s answers."
    ),
    "search_tuned": _(
        "The search was tuned: of %(questions)s held-out questions it finds the right answer of "
        "%(after)s first, before %(before)s."
    ),
    "search_not_better": _(
        "The model is searched for as the installation does, which finds the right answer of "
        "%(before)s of %(questions)s held-out questions first; tuned, it was %(after)s."
    ),
    "search_not_tuned": _("The model is searched for as the installation does: %(text)s"),
    "loaded": _(
        "Model loaded: %(trainable)s weights learn in %(total_steps)s steps, %(train_tokens)s "
        "tokens."
    ),
    "resumed": _("Goes on from the checkpoint of step %(step)s."),
    "checkpoint": _("Checkpoint at step %(step)s."),
    "refused_checkpoint": _("The checkpoint %(name)s is damaged and was passed over: %(why)s"),
    "trained": _("Training done after %(step)s steps."),
    "crashed": _("A process ended too soon, it will be tried again. It said: %(text)s"),
    "out_of_memory": _("Memory ran out: once more with smaller batches."),
    "requeued": _("The trainer was stopped. The run is in line again and keeps its checkpoint."),
    "cancel_requested": _("Somebody asked to cancel it."),
    "cancelled": _("Cancelled."),
    "taken_up_again": _("Somebody put it in line again."),
    "failed": _("Failed: %(error)s"),
    "finished": _("Everything is done."),
}
LEFT = _("about %s left")
SECONDS = _("%s s")
MINUTES = _("%s min")
SECONDS_SHOWN = 120
OTHER_FAILURE = "other"
FAILURES = {
    "oom": _(
        "There was not enough memory, not even for smaller batches. Close what else runs on the "
        "machine, or start a training with smaller batches or a smaller base model."
    ),
    "crashed": _(
        "It ended too soon several times in a row. Read what it said below; when the cause is "
        "gone, continue it: it goes on from its last checkpoint."
    ),
    "no_usable_export": _(
        "The trained model could not be made ready for serving in any precision. Its weights are "
        "kept: continue it once the cause below is gone."
    ),
    "memorised": _(
        "The model repeats private texts that it saw only once, so it was not published. Train "
        "fewer passes or with a lower learning rate, and look for personal data in the dataset."
    ),
    OTHER_FAILURE: _("It cannot succeed as it is. Read what it said below."),
}
"""What happened, and what to do about it."""


def note_text(note: NoteData) -> str:
    """A line of a run's story; what is not known by name is shown by its name."""
    text = str(NOTES.get(note["kind"], note["kind"]))
    return text % defaultdict(str, {name: _number(each) for name, each in note["detail"].items()})


def failure_text(run: TrainingRun) -> str:
    return str(FAILURES.get(run.error_code, FAILURES[OTHER_FAILURE]))


def left_text(run: RunData) -> str:
    """How long the whole run still takes, or its stage where more is not known."""
    seconds = run["total_seconds_left"]
    if seconds is None:
        seconds = run["seconds_left"]
    if run["status"] != "running" or seconds is None:
        return ""
    return str(LEFT) % duration_text(seconds)


def duration_text(seconds: float) -> str:
    if seconds < SECONDS_SHOWN:
        return str(SECONDS) % round(seconds)
    return str(MINUTES) % round(seconds / 60)


def _number(value: Any) -> Any:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value

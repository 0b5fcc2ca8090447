"""The wire of a run's page: what its websocket says while a model is being trained.

All are facts. Whoever connects gets the state first; what follows is at-most-once, so a page
that missed something asks for the state again.
"""

from typing import Any, Literal, TypedDict


class RunData(TypedDict):
    """One run as everybody outside the database sees it. Times are ISO 8601, shares 0 to 1.

    ``stage_share`` and ``seconds_left`` are of the stage, ``share`` and ``total_seconds_left`` of
    the whole run.
    """

    id: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    stage: Literal["", "preparing", "training", "exporting", "evaluating", "publishing"]
    stage_share: float
    seconds_left: float | None
    share: float
    total_seconds_left: float | None
    step: int
    total_steps: int
    attempts: int
    cancel_requested: bool
    error_code: str
    error: str
    started_at: str | None
    finished_at: str | None


class PointData(TypedDict):
    """What was measured at one step; null where nothing was."""

    step: int
    loss: float | None
    heldout_loss: float | None
    learning_rate: float | None
    tokens_per_second: float | None
    memory_bytes: int | None
    seconds: float


class NoteData(TypedDict):
    """One line of the run's story."""

    kind: str
    detail: dict[str, Any]
    created_at: str


class RunState(TypedDict):
    """The answer to connecting: everything so far. ``points`` are thinned to what a curve shows."""

    type: Literal["run.state"]
    run: RunData
    points: list[PointData]
    notes: list[NoteData]


class RunChanged(TypedDict):
    type: Literal["run.changed"]
    run: RunData


class RunMeasured(TypedDict):
    """Further points of the curves, and how far the run is. At most about one a second."""

    type: Literal["run.measured"]
    run: RunData
    points: list[PointData]


class RunNoted(TypedDict):
    """Something happened: a checkpoint, a resume, a crash."""

    type: Literal["run.noted"]
    note: NoteData


EVENTS = (RunState, RunChanged, RunMeasured, RunNoted)

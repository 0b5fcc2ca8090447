"""What the trainer reports: one JSON object a line, appended to ``progress.jsonl``.

Whoever reads may be cut off in the middle of a line and goes on with the rest later.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from training.trainer.job import Job, JobError

NAME = "progress.jsonl"
STEP_SECONDS = 1.0
"""Steps are reported at most so often."""

Kind = Literal[
    "loaded", "resumed", "refused_checkpoint", "step", "heldout", "checkpoint", "finished"
]


class Progress:
    """The report of one attempt. Only the main one of several processes reports."""

    def __init__(self, job: Job, *, is_main: bool = True) -> None:
        """Raises :class:`JobError` where TensorBoard is wanted and not installed."""
        self._place = job.folder / NAME
        self._fence = job.fence
        self._is_main = is_main
        self._reported = 0.0
        self._board = _board(job) if is_main and job.recipe.tensorboard else None

    def report(self, kind: Kind, **facts: Any) -> None:
        """Append one line."""
        if not self._is_main:
            return
        line = {"kind": kind, "fence": self._fence, "time": round(time.time(), 3), **facts}
        with self._place.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self._board is not None and "step" in facts:
            for name, value in facts.items():
                if name != "step" and isinstance(value, int | float):
                    self._board.add_scalar(f"{kind}/{name}", value, facts["step"])

    def step(self, *, is_last: bool, **facts: Any) -> None:
        """Report a step, unless one was just reported. What is known at the end always is."""
        now = time.monotonic()
        if is_last or now - self._reported >= STEP_SECONDS:
            self._reported = now
            self.report("step", **facts)

    def close(self) -> None:
        if self._board is not None:
            self._board.close()


def read(folder: Path, offset: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    """The whole lines from byte ``offset`` on, each with the offset behind it."""
    place = folder / NAME
    if not place.exists():
        return
    with place.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            try:
                yield dict(json.loads(line)), offset
            except ValueError:
                # A killed trainer left half a line, and the next one wrote behind it.
                continue


def _board(job: Job) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise JobError("The package tensorboard is not installed.") from error
    return SummaryWriter(str(job.folder / "tensorboard"))

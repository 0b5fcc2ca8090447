"""What the trainer is told: ``job.json`` in the folder of its run."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.trainer import recipe
from training.trainer.recipe import Recipe, RecipeError

FINISHED = 0
STOPPED = 75
"""The trainer was asked to stop, has written a checkpoint and can go on later."""
FENCED_OFF = 76
"""Somebody else works on this run now."""
OUT_OF_MEMORY = 77


class JobError(Exception):
    """The job cannot be read or its files do not fit together; one sentence, safe to show."""


class FencedOff(Exception):
    """Another trainer works on this run, or has taken it over."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at one run.

    ``base`` is a sealed safetensors folder, ``threads`` 0 leaves torch its default, and
    ``batch_divisor`` makes batches smaller at the same number of examples for each change.
    """

    folder: Path
    recipe: Recipe
    seed: int
    base: Path
    device: str = "cpu"
    threads: int = 0
    batch_divisor: int = 1
    fence: int = 0

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def adapter(self) -> Path:
        """What was learned, on its own: a peft adapter."""
        return self.folder / "adapter"

    @property
    def weights(self) -> Path:
        """The whole tuned model, sealed: what export and evaluation read."""
        return self.folder / "weights"

    def check_fence(self) -> None:
        """Raises :class:`FencedOff` when the run was given to another attempt."""
        if _stored(self.folder).get("fence") != self.fence:
            raise FencedOff(f"This run belongs to another attempt than {self.fence} now.")


def read(folder: Path) -> Job:
    """The job of a run folder. Raises :class:`JobError`."""
    stored = _stored(folder)
    try:
        return Job(
            folder=folder,
            recipe=recipe.parse(stored["recipe"]),
            seed=int(stored["seed"]),
            base=Path(stored["base"]),
            device=str(stored.get("device", "cpu")),
            threads=int(stored.get("threads", 0)),
            batch_divisor=int(stored.get("batch_divisor", 1)),
            fence=int(stored.get("fence", 0)),
        )
    except (KeyError, TypeError, ValueError, RecipeError) as error:
        raise JobError(f"job.json cannot be used: {error}") from error


@contextmanager
def only_trainer(folder: Path) -> Iterator[None]:
    """Hold the folder: one trainer of this machine writes into it.

    Raises :class:`FencedOff` when another holds it.
    """
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FencedOff("Another trainer works in this folder.") from None
        yield


def _stored(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "job.json").read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise JobError(f"job.json cannot be read: {error}") from error

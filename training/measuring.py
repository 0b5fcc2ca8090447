"""A few real steps of a run that does not exist yet, and what its examples amount to."""

import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chat.inference.tokenizer import ChatTokenizer
from training import places, stages
from training.machine import machine
from training.models import TrainingRun
from training.planner import Calibration
from training.processes import Child, environment, folder_lock
from training.services.runs import Claim
from training.trainer import examples
from training.trainer.recipe import parse

STEPS = 4
SECONDS = 900.0


class CannotMeasure(Exception):
    """The examples or the few steps could not be made; the text says why."""


class NotEnoughMemory(Exception):
    """Not even a few steps fit."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a recipe makes of a dataset version, in examples and tokens of one pass."""

    examples: int
    tokens: int


@contextmanager
def prepared(run: TrainingRun) -> Iterator[Path]:
    """A folder as the run's own will be, for a while. The run need not be stored.

    Raises :class:`CannotMeasure`.
    """
    # It loads the embedder, which processes that only look at plans never need.
    from training.services.preparing import NothingToLearn, prepare

    parent = places.calibrations_folder()
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="run-") as name:
        folder = Path(name)
        try:
            prepare(run, folder)
        except NothingToLearn as error:
            raise CannotMeasure(str(error)) from error
        stages.write_job(Claim(run, 0), folder)
        yield folder


def count(run: TrainingRun, folder: Path) -> Counted:
    """Count the prepared examples as the trainer will read them."""
    tokenizer = ChatTokenizer(places.start_folder(run))
    longest = parse(run.recipe).optimisation.max_tokens
    prepared = examples.read(folder / "train.jsonl")
    lengths = [len(examples.encode(each, tokenizer)) for each in prepared]
    kept = [length for length in lengths if length <= longest]
    return Counted(len(kept), sum(kept))


def measure(folder: Path) -> Calibration:
    """Take the steps, in a process like the trainer's own, the longest batch among them.

    Raises :class:`CannotMeasure` and :class:`NotEnoughMemory`.
    """
    command = [sys.executable, "-m", "training.trainer", str(folder), "--measure", str(STEPS)]
    with folder_lock(folder) as lock:
        child = Child(
            command,
            log=folder / "measure.log",
            environment=environment(places.threads()),
            lock=lock,
        )
        try:
            code = child.wait(SECONDS)
        finally:
            child.kill()
    if code == stages.OUT_OF_MEMORY or child.was_killed_for_memory():
        raise NotEnoughMemory
    if code == -signal.SIGKILL:
        raise CannotMeasure(f"{STEPS} steps were not done in {SECONDS / 60:.0f} minutes.")
    try:
        return Calibration(**json.loads(child.last_words()))
    except (ValueError, TypeError):
        raise CannotMeasure(child.last_words()) from None


def does_not_fit(device: str) -> Calibration:
    """Stands for a measurement that had not enough memory: it takes more than is free now."""
    free = machine(device, places.training_folder()).memory_bytes
    return Calibration(tokens_per_second=1.0, peak_memory_bytes=free, load_seconds=0.0)

"""A supervisor and the stages of a run as real processes, over a test's own database.

``python -m tests.training.driven`` works what waits; with a run, a fence and a stage it does
that stage. By default nothing is computed: the trainer counts, the export is what it left, and
held-out questions are answered by rote. Queue, leases, folders, evaluation and publication are
the real ones. With ``CSBOT_DRIVEN=real`` a tiny model is trained, exported and asked.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.conf import settings

from chat.inference import artifacts
from training.crash_points import crash_point

if TYPE_CHECKING:
    from training.models import TrainingRun
    from training.services.runs import Claim
    from training.stages import Command

DATABASE = "CSBOT_TEST_DATABASE"
REAL = "CSBOT_DRIVEN"
STEPS = 12
STEP_SECONDS = 0.1
EXAMPLES = 24


def start(**variables: str) -> "subprocess.Popen[bytes]":
    """Start a supervisor that works what waits and ends; from a test or a benchmark."""
    from django.db import connection

    environment = {**os.environ, DATABASE: str(connection.settings_dict["NAME"]), **variables}
    with log_place().open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.training.driven"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def log_place() -> Path:
    return Path(settings.VAR_DIR) / "driven.log"


def command() -> "Command":
    """The stages of this module for a :class:`~training.supervisor.Supervisor`."""
    from training import stages

    def driven(claim: "Claim", stage: "TrainingRun.Stage", folder: Path) -> list[str] | None:
        found = stages.command(claim, stage, folder)
        if found is None or (stage == "training" and os.environ.get(REAL)):
            return found
        words = [str(claim.run.public_id), str(claim.fence), str(stage)]
        return [sys.executable, "-m", "tests.training.driven", *words]

    return driven


def _supervise() -> int:
    from training import supervisor
    from training.services import runs

    with supervisor.StopSignals() as signals:
        while claim := runs.claim(device="cpu", owner=supervisor.new_owner()):
            signals.work(supervisor.Supervisor(claim, command=command()))
    return 0


def _work_stage(run_id: str, fence: int, stage: str) -> int:
    from training import places, stages
    from training.failures import LostLease
    from training.models import TrainingRun

    run = TrainingRun.objects.get(public_id=run_id)
    folder = places.run_folder(run)
    work = (_REAL if os.environ.get(REAL) else _BY_ROTE)[stage]
    try:
        work(run, folder, fence)
    except LostLease:
        return stages.LOST_LEASE
    return 0


def _prepare(run: "TrainingRun", folder: Path, fence: int) -> None:
    from training.trainer import examples
    from training.trainer.examples import Prepared

    for name, count in (("train", EXAMPLES), ("dev", 4)):
        made = [
            Prepared(({"role": "user", "content": f"Where is parcel {n}?"},), f"In the post, {n}.")
            for n in range(count)
        ]
        examples.write(folder / f"{name}.jsonl", made)


def _tune_search(run: "TrainingRun", folder: Path, fence: int) -> None:
    """Nothing is approved for the bot, so the search stays as it is."""
    from training.services import search_tuning

    search_tuning.tune_run(run, folder, fence)


def _count(run: "TrainingRun", folder: Path, fence: int) -> None:
    """What the trainer does, without a model: steps, a checkpoint after each, weights."""

    def say(kind: str, **fields: object) -> None:
        line = {"kind": kind, "fence": fence, "time": time.time(), **fields}
        with (folder / "progress.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def stop(*_: object) -> None:
        sys.exit(75)

    signal.signal(signal.SIGTERM, stop)
    names = [place.name.removeprefix("step-") for place in folder.glob("checkpoints/*")]
    kept = sorted(int(name) for name in names if name.isdigit())
    done = kept[-1] if kept else 0
    if done:
        say("resumed", step=done)
    say("loaded", total_steps=STEPS)
    crash_point("trainer.loaded")
    for step in range(done + 1, STEPS + 1):
        time.sleep(STEP_SECONDS)
        say("step", step=step, total_steps=STEPS, loss=1 / step, seconds=step * STEP_SECONDS)
        _seal(folder / "checkpoints" / f"step-{step}", "trainer.checkpoint_written")
        crash_point("trainer.checkpoint_sealed")
        say("checkpoint", step=step)
    crash_point("trainer.trained")
    _seal(folder / "weights", "")
    crash_point("trainer.weights_sealed")
    say("finished", step=STEPS)


def _seal(target: Path, point: str) -> None:
    with artifacts.building(target) as folder:
        (folder / "model.safetensors").write_bytes(b"weights")
        artifacts.seal(folder, artifacts.Facts("tiny", "safetensors", "tiny", "fp32", ""))
        crash_point(point)


def _export_nothing(run: "TrainingRun", folder: Path, fence: int) -> None:
    from training.services import exporting

    if exporting.chosen_or_none(folder) is None:
        crash_point("export.started")
        exporting._write(folder, "weights", {})
        crash_point("export.exported")


def _evaluate_by_rote(run: "TrainingRun", folder: Path, fence: int) -> None:
    from chat.inference.echo import EchoEngine
    from tests.training.evaluation.responses import Scripted, response
    from training.evaluation.overhearing import Overheard
    from training.services import evaluating
    from training.services.responders import Opened

    @contextmanager
    def opening(artifact: Path) -> Iterator[Opened]:
        yield Opened(Scripted(lambda row: response(row.answer)), Overheard(EchoEngine()))

    evaluating.evaluate_run(run, folder, fence, opening)


def _export(run: "TrainingRun", folder: Path, fence: int) -> None:
    from tests.training.services import bare
    from training.services import exporting

    exporting.export_run(run, folder, fence, bare.opening)


def _evaluate(run: "TrainingRun", folder: Path, fence: int) -> None:
    from tests.training.services import bare
    from training.services import evaluating

    evaluating.evaluate_run(run, folder, fence, bare.opening)


def _publish(run: "TrainingRun", folder: Path, fence: int) -> None:
    from training.services import registering

    registering.publish(run, folder, fence)


_BY_ROTE: dict[str, Callable[["TrainingRun", Path, int], None]] = {
    "preparing": _prepare,
    "search": _tune_search,
    "training": _count,
    "exporting": _export_nothing,
    "evaluating": _evaluate_by_rote,
    "publishing": _publish,
}
_REAL = {**_BY_ROTE, "exporting": _export, "evaluating": _evaluate}


if __name__ == "__main__":
    settings.DATABASES["default"]["NAME"] = os.environ[DATABASE]
    # Whatever else computes on this machine, tests go on.
    settings.TRAINING_NICENESS = 0
    django.setup()
    words = sys.argv[1:]
    sys.exit(_work_stage(words[0], int(words[1]), words[2]) if words else _supervise())

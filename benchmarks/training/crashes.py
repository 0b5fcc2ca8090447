"""Runs whose processes die, and files that are damaged: what is left, and how often it is right.

A tiny model is really trained, exported, asked and published, by real processes over a real
database (SQLite): see ``tests/training/driven.py``. Preparing is by rote, everything else is what
production does. Eight minutes on two idle cores.

- *kill -9 at random moments*: the supervisor, which takes its child along, or the child alone,
  which the supervisor survives. A run is killed until it finishes, then the next one begins.
- *named steps*: one run whose processes die at each step of ``training/crash_points.py`` in turn.
- *deliveries*: three supervisors are told of one run at the same time.
- *damage*: see :mod:`benchmarks.training.damage`.

A run counts as finished once when it has succeeded, was said to be finished once, has one model
whose files are whole, one evaluation with all answers, and left nothing half-made where models are
served. Machines that lose power, which also lose what no disk has written, are not tried.
"""

import contextlib
import os
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

import psutil  # type: ignore[import-untyped]
from django.conf import settings
from django.db import connection
from django.utils import timezone

from benchmarks.machine import Figure, figure
from benchmarks.training import damage
from benchmarks.training.staged import TINY, TrainingOptions, make_tiny
from chat.inference import artifacts
from tests.factories import TrainingRunFactory, frozen_version
from tests.training import driven
from tests.training.services import bare
from training import places
from training.crash_points import POINTS, STATUS, VARIABLE
from training.models import Evaluation, ModelVersion, TrainingRun
from training.services import runs
from training.supervisor import Supervisor
from training.trainer import progress, recipe

KILLS = 20
DELIVERIES = 3
SECONDS = 600.0
"""So long may one supervisor take; a busy machine is slow."""
INTERVAL = 1
"""Steps between two checkpoints of the tiny recipe."""


def measure(options: TrainingOptions) -> list[Figure]:
    """All figures of crashes."""
    make_tiny()
    os.environ.update({driven.REAL: "real", driven.DATABASE: str(connection.settings_dict["NAME"])})
    tried = [new_run()]
    began = time.monotonic()
    finish(tried[0])
    whole = time.monotonic() - began

    wanted = options.scaled(KILLS)
    killed, kills = _killed(wanted, whole)
    points = POINTS[::4] if options.is_quick else POINTS
    stepped, deaths = _named_steps(points)
    delivered = new_run()
    _together(DELIVERIES)
    delivered.refresh_from_db()
    tried += [*killed, stepped, delivered]
    repeated = [steps for run in tried for steps in repeated_steps(run)]
    once = sum(map(is_finished_once, tried))
    return [
        figure("crashes: kill -9 at random moments", "", [kills], at_least=wanted),
        figure("crashes: named steps died at", "", [deaths], at_least=len(points)),
        figure("crashes: one run, undisturbed", "s", [whole]),
        figure("crashes: runs", "", [len(tried)]),
        figure("crashes: finished exactly once", "", [once / len(tried)], at_least=1.0),
        figure("crashes: published twice", "", [sum(map(_extra_models, tried))], at_most=0),
        figure("crashes: times a run was resumed", "", [len(repeated)]),
        figure(
            "crashes: most steps repeated by a resume", "steps", [max(repeated, default=0)],
            at_most=INTERVAL,
        ),
        figure(
            f"crashes: trainers of {DELIVERIES} deliveries", "", [delivered.attempts], at_most=1
        ),
        *damage.measure(tried[0]),
    ]  # fmt: skip


def new_run() -> TrainingRun:
    """A run of the tiny model that waits for its turn."""
    made: TrainingRun = TrainingRunFactory(
        dataset_version=frozen_version(bare.ROWS),
        recipe=recipe.load("tiny_test", {"search.passes": 1.0}).as_dict(),
        base=TINY,
    )
    return made


def finish(run: TrainingRun) -> None:
    """Work it to its end in a process of its own."""
    driven.start().wait(SECONDS)
    run.refresh_from_db()


def expire(run: TrainingRun) -> None:
    """As if the lease of a dead supervisor had ended, and nobody counted how often."""
    past = timezone.now() - timedelta(seconds=1)
    TrainingRun.objects.filter(pk=run.pk, status="running").update(lease_until=past)
    TrainingRun.objects.filter(pk=run.pk).update(failures=0)
    run.refresh_from_db()


def is_finished_once(run: TrainingRun) -> bool:
    """See the module."""
    run.refresh_from_db()
    models = ModelVersion.objects.filter(run=run)
    evaluations = Evaluation.objects.filter(run=run, status=Evaluation.Status.FINISHED)
    if run.status != TrainingRun.Status.SUCCEEDED or not len(models) == len(evaluations) == 1:
        return False
    served = settings.MODELS_DIR / "serving"
    try:
        artifacts.verify(served / models[0].artifact)
        artifacts.verify(places.weights_folder(models[0].weights))
    except artifacts.ArtifactError:
        return False
    asked = sum(row.split == "test" for row in bare.ROWS)
    return (
        run.events.filter(kind="finished").count() == 1
        and evaluations[0].model_version == models[0]
        and evaluations[0].answers.count() == asked
        and not any("partial" in each.name for each in served.iterdir())
    )


def repeated_steps(run: TrainingRun) -> Iterator[int]:
    """For each resume, how many steps that were reported before it are done again."""
    reached = 0
    for line, _ in progress.read(places.run_folder(run)):
        if line["kind"] in ("step", "checkpoint"):
            reached = max(reached, line["step"])
        elif line["kind"] == "resumed":
            yield max(0, reached - line["step"])
            reached = line["step"]


def _killed(wanted: int, whole: float) -> tuple[list[TrainingRun], int]:
    """Runs that were killed ``wanted`` times in all, and then finished; and how often they were."""
    moments = random.Random(9)
    made, kills = [], 0
    while kills < wanted:
        run = new_run()
        process = driven.start()
        while not run.is_over:
            seconds = moments.uniform(0, whole) if kills < wanted else SECONDS
            if not _has_ended(process, seconds):
                # In turn: a supervisor that loses its child too often gives the run up.
                _kill(process, only_child=kills % 2 == 0)
                kills += 1
            if process.poll() is not None:
                expire(run)
                process = driven.start()
            run.refresh_from_db()
        process.wait(SECONDS)
        made.append(run)
    return made, kills


def _has_ended(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill(process: "subprocess.Popen[bytes]", *, only_child: bool) -> None:
    """End the child of a supervisor, which goes on, or the supervisor and with it the child."""
    children = psutil.Process(process.pid).children(recursive=True)
    for victim in children[:1] if only_child else [process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    psutil.wait_procs(children, timeout=30)


def _named_steps(points: Sequence[str]) -> tuple[TrainingRun, int]:
    """A run that dies at each step and is finished, and how often it died."""
    run, deaths = new_run(), 0
    for point in points:
        if point.startswith("run."):
            deaths += driven.start(**{VARIABLE: point}).wait(SECONDS) == STATUS
        else:
            deaths += _has_died_under_us(run, point)
        expire(run)
    finish(run)
    return run, deaths


def _has_died_under_us(run: TrainingRun, point: str) -> bool:
    """The supervisor is this process; a child of it comes to ``point``."""
    claim = runs.claim(device="cpu", owner="benchmark", only=run)
    if claim is None:
        return False
    os.environ[VARIABLE] = point
    try:
        Supervisor(claim, command=driven.command()).work()
    finally:
        del os.environ[VARIABLE]
    crashed = run.events.filter(kind="crashed").order_by("-id").first()
    return crashed is not None and str(STATUS) in crashed.detail["text"]


def _together(count: int) -> None:
    for each in [driven.start() for _ in range(count)]:
        each.wait(SECONDS)


def _extra_models(run: TrainingRun) -> int:
    return max(0, ModelVersion.objects.filter(run=run).count() - 1)

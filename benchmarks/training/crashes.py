"""Runs whose processes die: ``python -m benchmarks.training.crashes [--json] [--quick]``.

A tiny model is really trained, exported, evaluated and published by real processes, which are
killed at every named step and at random moments. Takes a quarter of an hour on two cores.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import django

from benchmarks.machine import Figure, figure, report
from chat.inference import artifacts
from csbot import env, valkey
from tests.services import environment
from tests.training import driven
from training.crash_points import POINTS, STATUS, VARIABLE

if TYPE_CHECKING:
    from training.models import TrainingRun

SECONDS = 300.0
KILLS = 20
KILL_WITHIN_SECONDS = 20.0
DAMAGES = 20
PACKAGES = ("django", "celery", "torch", "transformers", "peft", "onnxruntime-genai")


def measure(*, is_quick: bool = False) -> list[Figure]:
    """All figures; ``is_quick`` does a part of the work, to try it out."""
    os.environ[driven.REAL] = "real"
    with _installation():
        return [
            *_named_steps(POINTS[::6] if is_quick else POINTS),
            *_random_moments(2 if is_quick else KILLS),
            *_deliveries(),
            *_damages(),
        ]


def _named_steps(points: tuple[str, ...]) -> list[Figure]:
    """One run that dies at each step in turn."""
    run, died = _new_run(), 0
    for point in points:
        code = driven.start(**{VARIABLE: point}).wait(SECONDS)
        died += code == STATUS or _told_of_crash(run)
        _expire(run)
    driven.start().wait(SECONDS)
    return [
        figure("named steps at which it died", "steps", [died], at_least=len(points)),
        figure(
            "finished and published once after them", "share", [_finished_once(run)], at_least=1
        ),
    ]


def _random_moments(count: int) -> list[Figure]:
    """Supervisors that are killed, their children with them, until the run is over."""
    moments, finished, repeated, killed = random.Random(1), [], [], 0
    while killed < count:
        run = _new_run()
        while killed < count and not _is_over(run):
            process = driven.start()
            with contextlib.suppress(Exception):
                process.wait(moments.uniform(2.0, KILL_WITHIN_SECONDS))
            if process.poll() is None:
                process.kill()
                process.wait()
                killed += 1
            _expire(run)
        if not _is_over(run):
            driven.start().wait(SECONDS)
        finished.append(_finished_once(run))
        repeated += _repeated_steps(run)
    return [
        figure("kill -9 at random moments", "kills", [killed], at_least=count),
        figure("runs finished and published once", "share", [min(finished)], at_least=1),
        figure(
            "steps done again after a kill, a checkpoint after each", "steps",
            [max(repeated, default=0)], at_most=1,
        ),
    ]  # fmt: skip


def _deliveries() -> list[Figure]:
    """The same call, three times at once."""
    run = _new_run()
    for process in [driven.start() for _ in range(3)]:
        process.wait(SECONDS)
    run.refresh_from_db()
    return [
        figure("trainers of three deliveries", "trainers", [run.attempts], at_most=1),
        figure("published once by them", "share", [_finished_once(run)], at_least=1),
    ]


def _damages() -> list[Figure]:
    """Checkpoints and exports with a flipped bit or a missing end."""
    from training import places
    from training.models import TrainingRun

    folder = places.run_folder(TrainingRun.objects.latest("id"))
    draw = random.Random(2)
    sealed = [place.parent for place in folder.rglob(artifacts.MANIFEST)]
    refused = 0
    for number in range(DAMAGES):
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(shutil.copytree(draw.choice(sealed), Path(scratch) / "copy"))
            _damage(
                draw.choice([place for place in copy.rglob("*") if place.is_file()]), draw, number
            )
            try:
                artifacts.verify(copy)
            except artifacts.ArtifactError:
                refused += 1
    return [figure("damaged folders refused", "of 20", [refused], at_least=DAMAGES)]


def _damage(place: Path, draw: random.Random, number: int) -> None:
    data = bytearray(place.read_bytes())
    at = draw.randrange(len(data))
    if number % 2:
        place.write_bytes(data[:at])
    else:
        data[at] ^= 1 << draw.randrange(8)
        place.write_bytes(data)


def _new_run() -> "TrainingRun":
    from tests.factories import TrainingRunFactory, frozen_version
    from tests.training.services import bare
    from training.trainer import recipe

    made: TrainingRun = TrainingRunFactory(
        dataset_version=frozen_version(bare.ROWS), recipe=recipe.load("tiny_test").as_dict()
    )
    return made


def _expire(run: "TrainingRun") -> None:
    """As if the lease of a dead supervisor had ended; crashes on purpose are not counted."""
    from django.utils import timezone

    from training.models import TrainingRun

    rows = TrainingRun.objects.filter(pk=run.pk)
    rows.filter(status="running").update(lease_until=timezone.now() - timedelta(seconds=1))
    rows.filter(status="failed").update(status="queued")
    rows.update(failures=0)


def _is_over(run: "TrainingRun") -> bool:
    run.refresh_from_db()
    return run.is_over


def _told_of_crash(run: "TrainingRun") -> bool:
    """Whether the newest crash was a child that died at its step."""
    crashed = run.events.filter(kind__in=["crashed", "failed"]).latest("id").detail
    return str(STATUS) in str(crashed.get("text", crashed.get("error")))


def _finished_once(run: "TrainingRun") -> float:
    """1 if there is one finish, one model whose files are whole, and one evaluation of it."""
    from django.conf import settings

    from training.models import Evaluation, ModelVersion

    run.refresh_from_db()
    versions = ModelVersion.objects.filter(run=run)
    if run.status != "succeeded" or len(versions) != 1:
        print(f"{run}: {run.status} {run.error}", file=sys.stderr)
        return 0.0
    artifacts.verify(settings.MODELS_DIR / "serving" / versions[0].artifact)
    evaluations = Evaluation.objects.filter(run=run, model_version=versions[0], status="finished")
    finishes = run.events.filter(kind="finished")
    return float(len(evaluations) == 1 and len(finishes) == 1)


def _repeated_steps(run: "TrainingRun") -> list[int]:
    reached, repeated = 0, []
    for kind, detail in run.events.values_list("kind", "detail"):
        if kind == "checkpoint":
            reached = int(detail["step"])
        elif kind == "resumed":
            repeated.append(reached - int(detail["step"]))
    return repeated


@contextlib.contextmanager
def _installation() -> Iterator[None]:
    """A csbot of its own in a temporary folder, with a tiny base model."""
    var = Path(tempfile.mkdtemp(prefix="csbot-crash-"))
    for setting in env.SETTINGS:
        os.environ.pop(setting.name, None)
    os.environ.update(environment(var, CSBOT_LOG_LEVEL="ERROR"))
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from tests.chat.inference import tiny

    server = valkey.start(settings.VALKEY_SOCKET.parent)
    try:
        call_command("migrate", verbosity=0)
        with warnings.catch_warnings(action="ignore"):
            tiny.make_base(artifacts.base_folder(settings.MODELS_DIR, "tiny"))
        yield
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(var, ignore_errors=True)


def main() -> None:
    """Measure, and print figures for people or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.crashes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="a part of the work, to try it out")
    chosen = parser.parse_args()
    began = time.monotonic()
    figures = measure(is_quick=chosen.quick)
    print(f"# {time.monotonic() - began:.0f} s", file=sys.stderr)
    if chosen.json:
        print(json.dumps(report(figures, PACKAGES), indent=1))
    else:
        for each in figures:
            print(f"{each['name']}: {each['value']:g} {each['unit']} ({each['target']})")


if __name__ == "__main__":
    main()

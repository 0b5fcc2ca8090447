"""Checkpoints and artifacts with one damaged place: all have to be refused, none may be used.

Every file in turn, the manifest included, is cut off at a random byte or has one bit turned. A
damaged checkpoint is refused by name and the one before it restored; a damaged artifact is
refused before an engine loads anything of it.
"""

import json
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from django.conf import settings

from benchmarks.machine import Figure, figure
from chat.inference.artifacts import ArtifactError
from chat.inference.opening import EngineSpec, open_engine
from training import places
from training.models import TrainingRun
from training.trainer import job as jobs

PLACES = 20


def measure(run: TrainingRun) -> list[Figure]:
    """Damage the newest checkpoint and the served artifact of a finished run."""
    job = jobs.read(places.run_folder(run))
    artifact = settings.MODELS_DIR / "serving" / run.model_version.artifact
    checkpoints = [_restores_the_one_before(job, each) for each in _damages(PLACES)]
    artifacts = [_is_refused(artifact, each) for each in _damages(PLACES)]
    return [
        figure(
            f"damage: checkpoints refused, the one before used, of {PLACES}",
            "", [sum(checkpoints) / PLACES], at_least=1.0,
        ),
        figure(
            f"damage: artifacts refused, of {PLACES}",
            "", [sum(artifacts) / PLACES], at_least=1.0,
        ),
    ]  # fmt: skip


Damage = Callable[[Path], str]
"""Damages a folder, and says where."""


def _damages(count: int) -> Iterator[Damage]:
    """The same ones each time; the first file is cut off, the next one turned, and so on."""
    for number, cut in islice(enumerate(cycle((True, False))), count):
        draw = random.Random(number)

        def damage(
            folder: Path, *, draw: random.Random = draw, number: int = number, cut: bool = cut
        ) -> str:
            # Two damages for each file, before the first one has its third.
            files = sorted(each for each in folder.rglob("*") if each.is_file())
            place = files[number // 2 % len(files)]
            content = bytearray(place.read_bytes())
            at = draw.randrange(len(content))
            if cut:
                del content[at:]
            else:
                content[at] ^= 1 << draw.randrange(8)
            place.unlink()
            place.write_bytes(content)
            return f"{place.name}, byte {at}, {'cut off' if cut else 'a bit turned'}"

        yield damage


def _restores_the_one_before(job: jobs.Job, damage: Damage) -> bool:
    import torch

    from training.trainer import checkpoints, model

    with tempfile.TemporaryDirectory() as name:
        copied = replace(job, folder=Path(name))
        shutil.copytree(job.checkpoints, copied.checkpoints)
        older, newest = sorted(
            copied.checkpoints.iterdir(), key=lambda each: int(each.name.removeprefix("step-"))
        )
        stored = json.loads((older / "state.json").read_text("utf-8"))
        where = damage(newest)
        learner = model.load(copied)
        refused: list[str] = []
        state = checkpoints.restore(
            copied,
            learner,
            torch.optim.AdamW(learner.learning()),
            digest=stored["digest"],
            refused=lambda name, why: refused.append(name),
        )
        is_right = refused == [newest.name] and state is not None and state.step == stored["step"]
    return is_right or _tell(f"checkpoint with {where} was not refused")


def _is_refused(artifact: Path, damage: Damage) -> bool:
    with tempfile.TemporaryDirectory() as name:
        copied = Path(name) / artifact.name
        shutil.copytree(artifact, copied)
        where = damage(copied)
        try:
            open_engine(EngineSpec(artifact=copied, threads=1)).close()
        except ArtifactError:
            return True
    return _tell(f"artifact with {where} was not refused")


def _tell(text: str) -> bool:
    print(f"# {text}", file=sys.stderr, flush=True)
    return False

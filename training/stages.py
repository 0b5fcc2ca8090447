"""The stages of a run: the command line of each, and how their processes say how it went.

Every stage may be done again after a crash, from the first one on. What is done already and
still whole is recognised and passed over.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from chat.inference import artifacts
from training import places
from training.models import TrainingRun
from training.services.runs import Claim

Stage = TrainingRun.Stage
Command = Callable[[Claim, TrainingRun.Stage, Path], list[str] | None]
"""The command line of a stage, or None if there is nothing left to do in it."""

DONE = 0
STOPPED = 75
LOST_LEASE = 76
OUT_OF_MEMORY = 77
"""Exit codes of a stage's process; anything else is a crash."""

JOB = "job.json"
PREPARED = "prepared.json"
EXAMPLES = ("train.jsonl", "dev.jsonl")
WEIGHTS = "weights"
"""The sealed folder that training leaves."""


def command(claim: Claim, stage: TrainingRun.Stage, folder: Path) -> list[str] | None:
    if stage == Stage.PREPARING and is_prepared(folder):
        return None
    if stage == Stage.SEARCH and not claim.run.recipe.get("search", {}).get("passes"):
        return None
    if stage != Stage.TRAINING:
        manage = str(settings.BASE_DIR / "manage.py")
        names = [str(claim.run.public_id), str(claim.fence), str(stage)]
        return [sys.executable, manage, "work_stage", *names]
    if _is_trained(folder):
        return None
    write_job(claim, folder)
    return [sys.executable, "-m", "training.trainer", str(folder)]


def write_job(claim: Claim, folder: Path) -> None:
    """What the trainer is told; it knows neither Django nor the database."""
    run = claim.run
    job = {
        "recipe": run.recipe,
        "seed": run.seed,
        "base": str(places.start_folder(run)),
        "device": run.device,
        "threads": places.threads(),
        "batch_divisor": run.batch_divisor,
        "fence": claim.fence,
    }
    partial = folder / f"{JOB}.{os.getpid()}"
    partial.write_text(json.dumps(job, indent=1, ensure_ascii=False), encoding="utf-8")
    partial.replace(folder / JOB)


def seal_prepared(folder: Path) -> None:
    """Examples are made once: what a bot knows may change before the next attempt."""
    digests = {name: _sha256(folder / name) for name in EXAMPLES}
    partial = folder / f"{PREPARED}.{os.getpid()}"
    partial.write_text(json.dumps(digests), encoding="utf-8")
    partial.replace(folder / PREPARED)


def is_prepared(folder: Path) -> bool:
    """Whether the examples of an earlier attempt stand there, undamaged."""
    try:
        stored = json.loads((folder / PREPARED).read_text(encoding="utf-8"))
        return bool(stored == {name: _sha256(folder / name) for name in EXAMPLES})
    except (OSError, ValueError):
        return False


def _sha256(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_trained(folder: Path) -> bool:
    try:
        artifacts.verify(folder / WEIGHTS)
    except artifacts.ArtifactError:
        return False
    return True

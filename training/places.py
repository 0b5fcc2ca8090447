"""Where training keeps its files, below the var folder."""

import os
from pathlib import Path

from django.conf import settings

from chat.inference import artifacts
from training.models import TrainingRun


def training_folder() -> Path:
    return Path(settings.VAR_DIR) / "training"


def run_folder(run: TrainingRun) -> Path:
    """The work folder of a run: examples, checkpoints, logs. See docs/training.md."""
    return training_folder() / "runs" / str(run.public_id)


def calibrations_folder() -> Path:
    """What was measured on this machine."""
    return training_folder() / "calibrations"


def weights_folder(name: str) -> Path:
    """Merged weights of an earlier model, kept for runs that continue from it."""
    return training_folder() / "models" / name


def start_folder(run: TrainingRun) -> Path:
    """The weights that a run starts from: those of an earlier model, or of its base."""
    if run.parent is not None:
        return weights_folder(run.parent.weights)
    return artifacts.base_folder(settings.MODELS_DIR, run.base)


def device() -> str:
    """The device that this machine trains on: ``cpu`` or ``cuda``."""
    if settings.TRAINING_DEVICE != "auto":
        return str(settings.TRAINING_DEVICE)
    # Asking torch would load it into processes that never need it.
    return "cuda" if Path("/dev/nvidia0").exists() else "cpu"


def threads() -> int:
    """How many threads a trainer computes with."""
    return settings.TRAINING_THREADS or len(os.sched_getaffinity(0))

"""Checkpoints: everything that a stopped training needs to go on as if it had not stopped.

Sealed like artifacts and renamed into place, so one that was cut off or damaged is refused by
name, and the one before it is used.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from chat.inference import artifacts
from chat.inference.artifacts import ArtifactError, Facts
from training.crash_points import crash_point
from training.trainer.job import Job
from training.trainer.model import Learner

KEPT = 2
_PREFIX = "step-"
_MODEL, _OPTIMISER, _STATE = "learned.safetensors", "optimiser.safetensors", "state.json"


@dataclass(frozen=True, slots=True)
class State:
    """Where a training is: steps done, real tokens trained, seconds spent, and for which data."""

    step: int
    tokens: int
    seconds: float
    total_steps: int
    digest: str
    """Of all that decides the order of examples; another one makes a checkpoint useless."""


def save(job: Job, state: State, learner: Learner, optimiser: torch.optim.Optimizer) -> None:
    """Write the checkpoint of ``state.step`` and forget all but it and the one before it.

    Raises :class:`FencedOff` if the run belongs to another attempt now.
    """
    target = job.checkpoints / f"{_PREFIX}{state.step}"
    with artifacts.building(target) as folder:
        save_file(_learned(learner), folder / _MODEL)
        save_file(_optimiser_tensors(optimiser), folder / _OPTIMISER)
        (folder / _STATE).write_text(json.dumps(asdict(state)), encoding="utf-8")
        artifacts.seal(folder, Facts(job.recipe.name, "checkpoint", job.base.name, "fp32", ""))
        crash_point("trainer.checkpoint_written")
        job.check_fence()
    crash_point("trainer.checkpoint_sealed")
    found = _newest_first(job)
    # What stands above it was refused, as after a change of the batch: only it would be kept.
    obsolete = [place for place in found if _step_of(place) > state.step]
    for old in [*obsolete, *found[len(obsolete) + KEPT :]]:
        shutil.rmtree(old, ignore_errors=True)


def restore(
    job: Job,
    learner: Learner,
    optimiser: torch.optim.Optimizer,
    *,
    digest: str,
    refused: Callable[[str, str], None],
) -> State | None:
    """Bring back the newest valid checkpoint; None when there is none.

    Each that is damaged or of other data is told to ``refused``, by its name and why.
    """
    for folder in _newest_first(job):
        try:
            artifacts.verify(folder)
            state = State(**json.loads((folder / _STATE).read_text("utf-8")))
            if state.digest != digest:
                raise ArtifactError("It was made of other examples or another recipe.")
            learned = load_file(folder / _MODEL)
            kept = load_file(folder / _OPTIMISER)
            _put_back(learner, learned)
            _put_back_optimiser(optimiser, kept)
        except (ArtifactError, OSError, ValueError, TypeError, KeyError) as error:
            refused(folder.name, str(error))
            continue
        return state
    return None


def _newest_first(job: Job) -> list[Path]:
    found = [
        place
        for place in job.checkpoints.glob(f"{_PREFIX}*")
        if place.name.removeprefix(_PREFIX).isdigit()
    ]
    return sorted(found, key=_step_of, reverse=True)


def _step_of(place: Path) -> int:
    return int(place.name.removeprefix(_PREFIX))


def _learned(learner: Learner) -> dict[str, Tensor]:
    tensors = {
        name: each.detach().cpu().contiguous()
        for name, each in learner.model.named_parameters()
        if each.requires_grad
    }
    # Dropout goes on with the same numbers.
    return {**tensors, "random": torch.get_rng_state()}


def _put_back(learner: Learner, tensors: dict[str, Tensor]) -> None:
    own = {name: each for name, each in learner.model.named_parameters() if each.requires_grad}
    random = tensors.pop("random")
    if own.keys() != tensors.keys():
        raise ArtifactError("It belongs to another model.")
    with torch.no_grad():
        for name, each in own.items():
            each.copy_(tensors[name])
    torch.set_rng_state(random)


def _optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    kept: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {
        f"{place}.{name}": value.cpu().contiguous()
        for place, values in kept.items()
        for name, value in values.items()
    }


def _put_back_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    whole = optimiser.state_dict()
    kept: dict[int, dict[str, Tensor]] = {}
    for path, value in tensors.items():
        place, _, name = path.partition(".")
        kept.setdefault(int(place), {})[name] = value
    optimiser.load_state_dict({**whole, "state": kept})

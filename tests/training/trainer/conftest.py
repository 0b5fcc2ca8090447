import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chat.inference import tiny
from training.trainer import examples, job, recipe
from training.trainer.examples import Prepared
from training.trainer.job import Job


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a sealed safetensors folder."""
    folder = tmp_path_factory.mktemp("trainer") / "tiny"
    with warnings.catch_warnings(action="ignore"):
        tiny.make_base(folder)
    return folder


@pytest.fixture
def make_job(tiny_base: Path, tmp_path: Path) -> Callable[..., Job]:
    """A run folder with 40 small examples, ready to be trained on."""

    def make(name: str = "run", *, seed: int = 1, fence: int = 1, **overrides: Any) -> Job:
        folder = tmp_path / name
        folder.mkdir()
        prepared = [
            Prepared(
                (
                    {
                        "role": "user",
                        "content": f"Where is order {number}{' please' * (number % 7)}?",
                    },
                ),
                "yes" if number % 2 else "no",
            )
            for number in range(40)
        ]
        examples.write(folder / "train.jsonl", prepared)
        examples.write(folder / "dev.jsonl", prepared[:6])
        changed = {path.replace("__", "."): value for path, value in overrides.items()}
        told = {
            "recipe": recipe.load("tiny_test", changed).as_dict(),
            "seed": seed,
            "base": str(tiny_base),
            "threads": 1,
            "fence": fence,
        }
        (folder / "job.json").write_text(json.dumps(told))
        return job.read(folder)

    return make

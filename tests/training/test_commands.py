"""Training from the command line: what is listed, cancelled, refused and said."""

import sys
from importlib.machinery import ModuleSpec
from io import StringIO
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import CommandError, call_command

from chat.inference import artifacts
from tests.factories import DatasetVersionFactory, TrainingRunFactory
from training.models import DatasetVersion, TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetVersion:
    """A version, and a base model that holds nothing."""
    monkeypatch.setattr("django.conf.settings.MODELS_DIR", tmp_path)
    with artifacts.building(artifacts.base_folder(tmp_path, "tiny")) as folder:
        (folder / "model.safetensors").write_bytes(b"x" * 1000)
        artifacts.seal(folder, artifacts.Facts("tiny", "safetensors", "tiny", "fp32", "test:"))
    return DatasetVersionFactory()


def call(*words: str) -> str:
    said = StringIO()
    call_command(*words, stdout=said, stderr=StringIO())
    return said.getvalue()


def queue(version: DatasetVersion, *words: str) -> TrainingRun:
    slug = version.dataset.slug
    call("train", slug, "--recipe", "tiny_test", "--queue-only", "--no-plan", *words)
    return TrainingRun.objects.latest("id")


def test_queueing_resolves_the_recipe_and_its_changed_fields(version: DatasetVersion) -> None:
    words = ("--set", "optimisation.epochs=2.5", "--set", "data.style=words", "--seed", "7")
    run = queue(version, *words)

    assert (run.base, run.seed, run.status) == ("tiny", 7, "queued")
    assert run.overrides == {"optimisation.epochs": 2.5, "data.style": "words"}
    assert run.recipe["optimisation"]["epochs"] == 2.5
    assert run.plan["examples"] == 8


def test_tensorboard_is_ordered_where_it_is_installed(
    version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(CommandError, match="The package tensorboard is not installed"):
        queue(version, "--set", "tensorboard=true")
    assert not TrainingRun.objects.exists()

    package = ModuleType("tensorboard")
    package.__spec__ = ModuleSpec("tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboard", package)
    assert queue(version, "--set", "tensorboard=true").recipe["tensorboard"] is True


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--recipe", "nothing"], "There is no recipe"),
        (["--set", "optimisation.epochs"], "FIELD=VALUE"),
        (["--set", "optimisation.speed=9"], "is no field"),
        (["--recipe", "smollm2_cpu"], "is not here: fetch it first"),
        (["--dataset-version", "99"], "There is no such version"),
        (["--continue-from", "shop:1"], "There are no weights"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    version: DatasetVersion, words: list[str], why: str
) -> None:
    with pytest.raises(CommandError, match=why):
        queue(version, *words)
    assert not TrainingRun.objects.exists()


def test_runs_are_listed_and_cancelled() -> None:
    first, second = TrainingRunFactory(), TrainingRunFactory(status="failed", error="No memory.")
    assert "No memory." in call("training_runs")

    assert "cancelled" in call("cancel_training", str(first.public_id)[:8])
    with pytest.raises(CommandError, match="is over"):
        call("cancel_training", str(second.pk))
    with pytest.raises(CommandError, match="There is no run"):
        call("cancel_training", "999999")

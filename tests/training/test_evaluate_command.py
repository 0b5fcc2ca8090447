"""The command line asks, stores and prints; without the web and without Celery."""

import warnings
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chat.inference import exporting
from tests.chat.inference import tiny
from tests.factories import DatasetFactory, ModelVersionFactory, approve, frozen_version
from tests.training.rows import pair
from training.models import DatasetVersion, Evaluation

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore"),  # Of the model libraries.
    pytest.mark.timeout(180),  # They load for a while where others compute, too.
]

ROWS = [
    pair("how long does delivery take", id="a", split="test", answer="Three days."),
    pair("May I return it after a year?", id="b", split="test", group="back"),
    pair("Do you sell honey?", id="c", split="test", hands_over=True),
]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the tiny model, exported."""
    folder = tmp_path_factory.mktemp("models")
    with warnings.catch_warnings(action="ignore"):
        tiny.make_base(folder / "base" / "tiny")
        exporting.export(
            folder / "base" / "tiny", folder / "serving" / "tiny-int4", precision="int4"
        )
    return folder


@pytest.fixture(autouse=True)
def _places(settings: Any, tmp_path: Path, models: Path) -> None:
    settings.VAR_DIR, settings.MODELS_DIR = tmp_path, models
    settings.CHAT_MODEL, settings.CHAT_ENGINE, settings.CHAT_EMBEDDER = "tiny", "auto", "ngrams"
    settings.CHAT_MAX_NEW_TOKENS = 8


@pytest.fixture
def version() -> DatasetVersion:
    version = frozen_version(ROWS, dataset=DatasetFactory(slug="shop"), number=3)
    approve(version.dataset.bot, "How long does delivery take?", text="Three days.")
    return version


def evaluate(*arguments: str) -> str:
    out = StringIO()
    call_command("evaluate", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_base_and_a_model_side_by_side(version: DatasetVersion) -> None:
    model = ModelVersionFactory(name="shop", number=2, artifact="tiny-int4")
    said = evaluate("--dataset", "shop@3", "--model-version", "shop:2", "--base", "--no-suites")
    before, after = Evaluation.objects.order_by("pk")
    assert (before.artifact, before.model_version) == ("tiny-int4", None)
    assert (after.model_version, after.baseline) == (model, before)
    assert after.figures["accuracy"]["right"] == 1
    assert "accuracy" in said
    assert "missed" in said
    assert "0 answers changed." in said


def test_a_missed_target_fails_when_asked(version: DatasetVersion) -> None:
    with pytest.raises(CommandError, match="A target is missed"):
        evaluate("--dataset", "shop", "--artifact", "tiny-int4", "--no-suites", "--strict")
    assert Evaluation.objects.get().status == "finished"


def test_a_few_questions_of_the_base_alone(version: DatasetVersion) -> None:
    said = evaluate("--dataset", "shop", "--base", "--limit", "1", "--no-suites")
    assert "tiny-int4 on" in said
    assert Evaluation.objects.get().figures["questions"] == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--dataset", "none", "--base"], "no frozen dataset"),
        (["--dataset", "shop@9", "--base"], "no frozen dataset"),
        (["--dataset", "shop"], "Name a --model-version"),
        (["--dataset", "shop", "--model-version", "shop:9"], "no model"),
        (["--dataset", "shop", "--artifact", "gone-int4"], "is no artifact"),
    ],
)
def test_what_is_not_there(version: DatasetVersion, arguments: list[str], text: str) -> None:
    with pytest.raises(CommandError, match=text):
        evaluate(*arguments, "--no-suites")


def test_a_damaged_dataset_is_told(version: DatasetVersion, tmp_path: Path) -> None:
    place = tmp_path / "training" / "datasets" / f"{version.sha256}.jsonl"
    place.chmod(0o600)
    place.write_text("{}")
    with pytest.raises(CommandError, match="not what was frozen"):
        evaluate("--dataset", "shop", "--artifact", "tiny-int4", "--no-suites")

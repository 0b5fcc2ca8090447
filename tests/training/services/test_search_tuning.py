"""A tuned encoder learns from what is not held out, and is kept only if it finds more of what is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from chat import libraries
from chat.inference import artifacts
from chat.knowledge.confidence import Evidence
from chat.knowledge.embedding import Vectors
from chat.libraries import LibraryShelf, embedder_spec
from chat.models import Bot
from chat.services.calibrating import NotEnough, calibrate_confidence, calibrate_matching
from tests.factories import BotFactory, DeploymentFactory, approve
from tests.training.encoder import tiny
from tests.training.rows import dialogue, pair
from training.encoder import tuning
from training.frozen import FrozenRow
from training.models import Dataset, DatasetVersion
from training.services import freezing, search_tuning

pytestmark = pytest.mark.django_db

QUICK = ("--passes", "80", "--learning-rate", "0.003")


class Blind:
    """Everything is as near as everything else."""

    name = "blind"

    def embed(self, questions: Sequence[str]) -> Vectors:
        return np.ones((len(questions), 2), np.float32) / np.float32(2) ** 0.5


@pytest.fixture
def bot() -> Bot:
    bot: Bot = BotFactory()
    approve(bot, "aa bb", "b b ab", text="First.")
    approve(bot, "yy zz", "z y yz", text="Second.")
    return bot


@pytest.fixture
def version(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> DatasetVersion:
    settings.MODELS_DIR = tmp_path
    weights = tiny.write(tmp_path / "tiny.q4")
    monkeypatch.setattr(search_tuning, "shipped_weights", lambda: weights)
    rows = [
        pair("bab", answer="First.", split="train"),
        pair("zyz", answer="Second.", split="train"),
        pair("abab", answer="First.", split="dev"),
        pair("zzyy", answer="Second.", split="dev"),
        pair("bba", answer="First.", split="test"),
    ]
    monkeypatch.setattr(freezing, "rows_of", lambda _: rows)
    dataset = Dataset.objects.create(slug="shop", name="Shop", bot=bot)
    return DatasetVersion.objects.create(dataset=dataset, number=1, sha256="0" * 64, size=1)


def embedder_is(monkeypatch: pytest.MonkeyPatch, embedder: object) -> None:
    monkeypatch.setattr(libraries, "open_embedder", lambda _: embedder)


def test_what_finds_more_is_kept_and_can_be_used(
    version: DatasetVersion,
    bot: Bot,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patched:
        embedder_is(patched, Blind())
        call_command("tune_embedder", "shop", *QUICK)
    said = capsys.readouterr().out
    assert "Of 2 held-out questions the right answer comes first for 2 (before: 1)" in said
    assert "CHAT_EMBEDDER_MODEL=shop-1" in said
    settings.CHAT_EMBEDDER, settings.CHAT_EMBEDDER_MODEL = "auto", "shop-1"
    shelf = LibraryShelf()
    held_out = [each for each in freezing.rows_of(version) if each.split == "test"]
    assert search_tuning.found(held_out, bot, shelf).first == 1
    assert shelf.embedder.name.startswith("multilingual-e5-small-q4-tuned/")
    # What was learned proves nothing about what is new: nothing is served by meaning.
    assert shelf.library(bot, "en").thresholds.direct > 1
    with pytest.raises(NotEnough, match="has learned"):
        calibrate_matching(bot, "en", shelf.embedder, unanswered=[], false_hits=0.01)
    with pytest.raises(NotEnough, match="has learned"):
        calibrate_confidence(
            DeploymentFactory(bot=bot), "en", shelf.embedder,
            evidence=[Evidence(1.0, 1.0, 1.0)], is_right=[True],
        )  # fmt: skip


def test_what_finds_no_more_is_not_kept(
    version: DatasetVersion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    embedder_is(monkeypatch, Blind())
    monkeypatch.setattr(search_tuning, "tune", lambda packed, *_: packed.content)
    monkeypatch.setattr(
        search_tuning, "E5Embedder", lambda folder: Blind() if folder.is_dir() else None
    )
    with pytest.raises(CommandError, match="not kept"):
        call_command("tune_embedder", "shop@1")
    assert list((tmp_path / "embedders").iterdir()) == []


def test_nothing_is_kept_of_rows_that_were_erased_meanwhile(
    version: DatasetVersion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def erased_meanwhile(*given: Any) -> bytes:
        DatasetVersion.objects.update(sha256="1" * 64)
        return tuning.tune(*given)

    with monkeypatch.context() as patched:
        embedder_is(patched, Blind())
        patched.setattr(search_tuning, "tune", erased_meanwhile)
        with pytest.raises(CommandError, match="erased from the dataset meanwhile"):
            call_command("tune_embedder", "shop", *QUICK)
    assert list((tmp_path / "embedders").iterdir()) == []


def test_nothing_to_compare_with_is_said_before_minutes_are_spent(
    version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder_is(monkeypatch, Blind())
    monkeypatch.setattr(freezing, "rows_of", lambda _: [pair("bab", answer="First.")])
    monkeypatch.setattr(search_tuning, "tune", lambda *_: pytest.fail("it began"))
    with pytest.raises(CommandError, match="nothing could be compared"):
        call_command("tune_embedder", "shop")


def test_a_tuned_encoder_is_never_replaced(version: DatasetVersion, settings: Settings) -> None:
    first = artifacts.embedder_folder(settings.MODELS_DIR, "shop-1")
    first.mkdir(parents=True)
    assert search_tuning._next_folder("shop").name == "shop-2"


def test_held_out_questions_teach_nothing(bot: Bot) -> None:
    approve(bot, "held out", "still known", text="Third.")
    rows: list[FrozenRow] = [
        pair("in training", answer="First.", split="train"),
        pair("never seen", answer="First.", split="dev"),
        pair("Held out!", answer="Third.", split="test"),
        pair("nobody knows", answer="Not approved.", split="train"),
        pair("what about Mars", hands_over=True, split="train"),
        dialogue("first", "and then", answer="Second.", split="train"),
    ]
    questions, answers = search_tuning.lessons(rows, bot)
    taught = dict(zip(questions, answers, strict=True))
    assert {"in training", "first and then", "still known", "aa bb"} <= set(taught)
    assert not {"never seen", "held out", "Held out!", "nobody knows"} & set(taught)
    assert taught["in training"] == taught["aa bb"] != taught["first and then"] == taught["yy zz"]
    assert taught["what about Mars"] is None
    assert set(answers) == {0, 1, 2, None}


def test_another_embedder_takes_no_folder(settings: Settings) -> None:
    settings.CHAT_EMBEDDER, settings.CHAT_EMBEDDER_MODEL = "openai", "text-embedding"
    assert embedder_spec().folder is None

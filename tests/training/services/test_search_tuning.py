"""A tuned encoder learns from what is not held out, and is kept only if it finds more of what is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from chat import libraries
from chat.inference import artifacts
from chat.knowledge.confidence import Evidence
from chat.knowledge.e5_embedder import WEIGHTS, E5Embedder
from chat.knowledge.embedding import EmbeddingError, Vectors
from chat.libraries import LibraryShelf
from chat.models import Bot, CuratedAnswer, QuestionVariant
from chat.services.calibrating import NotEnough, calibrate_confidence, calibrate_matching
from tests.factories import BotFactory, DeploymentFactory, TrainingRunFactory, approve
from tests.training.encoder import tiny
from tests.training.rows import dialogue, pair
from training import stages
from training.frozen import FrozenRow
from training.models import Dataset, DatasetVersion, RunEvent, TrainingRun
from training.progress import ProgressReader
from training.services import freezing, planning, search_lessons, search_tuning
from training.services.ordering import Order
from training.services.runs import Claim
from training.trainer import recipe

pytestmark = pytest.mark.django_db

Told = tuple[str, dict[str, Any]]


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
def run(bot: Bot, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Any:
    """Of a recipe that tunes the search; it beats an installation that finds nothing."""
    settings.CHAT_EMBEDDER = "auto"
    weights = tiny.write(tmp_path / "tiny.q4")
    monkeypatch.setattr(search_tuning, "shipped_weights", lambda: weights)
    monkeypatch.setattr(libraries, "open_embedder", lambda _: Blind())
    rows = [
        pair("bab", answer="First.", split="train"),
        pair("zyz", answer="Second.", split="train"),
        pair("abab", answer="First.", split="dev"),
        pair("zzyy", answer="Second.", split="dev"),
        pair("bba", answer="First.", split="test"),
    ]
    monkeypatch.setattr(freezing, "rows_of", lambda _: rows)
    dataset = Dataset.objects.create(slug="shop", name="Shop", bot=bot)
    version = DatasetVersion.objects.create(
        dataset=dataset, number=1, sha256="0" * 64, size=1, counts={"train": 2}
    )
    quick = {"search.passes": 80.0, "search.learning_rate": 0.003}
    wanted = recipe.load("tiny_test", quick).as_dict()
    return TrainingRunFactory(dataset_version=version, recipe=wanted)


def tuned(run: TrainingRun, folder: Path) -> list[Told]:
    """What the stage said."""
    reader = ProgressReader(folder, 1)
    search_tuning.tune_run(run, folder, 1)
    return list(reader.read().notes)


def test_what_finds_more_is_kept(run: TrainingRun, bot: Bot, tmp_path: Path) -> None:
    [(kind, facts)] = tuned(run, tmp_path)
    assert (kind, facts["questions"], facts["before"], facts["after"]) == ("search_tuned", 2, 1, 2)
    place = artifacts.search_of(tmp_path)
    assert place is not None

    shelf = LibraryShelf(E5Embedder(folder=place))
    held_out = [each for each in freezing.rows_of(run.dataset_version) if each.split == "test"]
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


def test_it_is_tuned_once_and_again_when_it_is_damaged(
    run: TrainingRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned(run, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(search_tuning, "tune", lambda *_: pytest.fail("it began again"))
        tuned(run, tmp_path)
    (tmp_path / artifacts.SEARCH / WEIGHTS).write_bytes(b"damaged")
    tuned(run, tmp_path)
    artifacts.verify(tmp_path / artifacts.SEARCH)


def test_what_nobody_heard_is_said_again(run: TrainingRun, tmp_path: Path) -> None:
    """The supervisor was killed in the moment between."""
    first = tuned(run, tmp_path)
    assert tuned(run, tmp_path) == first
    RunEvent.objects.create(run=run, kind=first[0][0], detail=first[0][1])
    assert tuned(run, tmp_path) == []


def test_what_an_attempt_left_that_died_is_not_kept_by_the_next(
    run: TrainingRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned(run, tmp_path)
    (tmp_path / search_tuning.FILE).unlink()
    monkeypatch.setattr(search_tuning, "tune", lambda packed, *_: packed.content)
    monkeypatch.setattr(search_tuning, "E5Embedder", lambda folder: Blind())
    assert tuned(run, tmp_path)[0][0] == "search_not_better"
    assert artifacts.search_of(tmp_path) is None


@pytest.mark.parametrize(
    "lack",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes")],
)
def test_a_search_that_does_not_fit_ends_no_run(
    run: TrainingRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lack: Exception
) -> None:
    def tune(*_: Any) -> bytes:
        raise lack

    monkeypatch.setattr(search_tuning, "tune", tune)
    [(kind, facts)] = tuned(run, tmp_path)
    assert (kind, facts["text"]) == ("search_not_tuned", "There was not enough memory.")


def test_what_may_pass_is_tried_again(
    run: TrainingRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(*_: Any) -> Any:
        raise EmbeddingError("for a moment")

    monkeypatch.setattr(search_tuning, "found", found)
    with pytest.raises(EmbeddingError):
        tuned(run, tmp_path)
    assert not (tmp_path / search_tuning.FILE).exists()


def test_what_finds_no_more_is_not_kept_and_not_tried_again(
    run: TrainingRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(search_tuning, "tune", lambda packed, *_: packed.content)
        patched.setattr(search_tuning, "E5Embedder", lambda folder: Blind())
        [(kind, facts)] = tuned(run, tmp_path)
    assert (kind, facts["before"], facts["after"]) == ("search_not_better", 1, 1)
    assert artifacts.search_of(tmp_path) is None
    monkeypatch.setattr(search_tuning, "tune", lambda *_: pytest.fail("it began again"))
    tuned(run, tmp_path)


def test_nothing_to_compare_with_is_said_before_minutes_are_spent(
    run: TrainingRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "rows_of", lambda _: [pair("bab", answer="First.")])
    monkeypatch.setattr(search_tuning, "tune", lambda *_: pytest.fail("it began"))
    assert "nothing could be compared" in tuned(run, tmp_path)[0][1]["text"]


def test_an_installation_with_another_embedder_keeps_it(
    run: TrainingRun, tmp_path: Path, settings: Settings
) -> None:
    settings.CHAT_EMBEDDER = "ngrams"
    assert "searches with ngrams" in tuned(run, tmp_path)[0][1]["text"]


def test_a_recipe_without_passes_has_no_such_stage(run: TrainingRun, tmp_path: Path) -> None:
    def command() -> list[str] | None:
        return stages.command(Claim(run, 1), TrainingRun.Stage.SEARCH, tmp_path)

    assert command()
    run.recipe = recipe.load("tiny_test").as_dict()
    assert command() is None
    # Runs of an earlier csbot say nothing of it.
    del run.recipe["search"]
    assert command() is None


def test_the_plan_counts_what_it_took_here(
    run: TrainingRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(planning, "_weights_bytes", lambda order: 0)
    monkeypatch.setattr(planning, "_counted", lambda order: None)
    monkeypatch.setattr(planning, "_calibration", lambda order: None)
    order = Order(run.bot, run.dataset_version, "tiny_test", run.recipe, run.base, "cpu")
    # Two rows and five approved wordings, 80 times; one is both, and counts once.
    first = CuratedAnswer.objects.get(text="First.")
    QuestionVariant.objects.create(answer=first, text="bab", normalized="bab", position=9)
    assert planning.known(order).search_minutes == pytest.approx(6 * 80 * 0.035 / 60)
    planning.keep_search_speed(0.1)
    assert planning.known(order).search_minutes == pytest.approx(6 * 80 * 0.1 / 60)
    settings.CHAT_EMBEDDER = "ngrams"
    assert planning.known(order).search_minutes == 0


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
    questions, answers = search_lessons.lessons(rows, bot)
    taught = dict(zip(questions, answers, strict=True))
    assert {"in training", "first and then", "still known", "aa bb"} <= set(taught)
    assert not {"never seen", "held out", "Held out!", "nobody knows"} & set(taught)
    assert taught["in training"] == taught["aa bb"] != taught["first and then"] == taught["yy zz"]
    assert taught["what about Mars"] is None
    assert set(answers) == {0, 1, 2, None}

"""A run that goes on from another learns what is new to it, and is reminded of what it has seen; and
what its models learned from becomes the points of the learning curve."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chat.models import Bot
from tests.factories import (
    BotFactory,
    DatasetFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    approve,
    frozen_version,
)
from tests.training.rows import pair
from tests.training.services.increment_world import learned
from training.formats import Turn
from training.frozen import FrozenRow, digest
from training.models import Dataset, Example, ModelVersion, TrainingRun
from training.services import examples as examples_of_dataset
from training.services import freezing, learning, preparing
from training.services.importing import turns_of
from training.trainer import examples, recipe

pytestmark = pytest.mark.django_db

OLD = [pair(f"Is thing {n} quick?", answer="Two days.", id=f"o{n}") for n in range(20)]
NEW = [pair(f"May I pay thing {n} by card?", answer="By card.", id=f"n{n}") for n in range(6)]


@pytest.fixture(autouse=True)
def _folders(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    settings.CHAT_EMBEDDER = "ngrams"


@pytest.fixture
def bot() -> Bot:
    bot: Bot = BotFactory()
    approve(bot, "How long does delivery take?", text="Two days.")
    approve(bot, "How can I pay?", text="By card.")
    return bot


def continued(bot: Bot, rows: list[FrozenRow], **data: Any) -> TrainingRun:
    """A run over ``rows`` from a model that has seen ``OLD``."""
    dataset: Dataset = DatasetFactory(bot=bot)
    first = TrainingRunFactory(bot=bot, dataset_version=frozen_version(OLD, dataset=dataset))
    run: TrainingRun = TrainingRunFactory(
        bot=bot,
        dataset_version=frozen_version(rows, dataset=dataset),
        parent=ModelVersionFactory(run=first),
    )
    about = {"data.new_first": True, "data.without_right_share": 0.0, **data}
    run.recipe = recipe.load("tiny_test", about).as_dict()
    return run


def asked(run: TrainingRun, folder: Path) -> list[str]:
    preparing.prepare(run, folder)
    learned = examples.read(folder / "train.jsonl")
    return [each.messages[-1]["content"].splitlines()[0] for each in learned]


def test_all_that_is_new_is_learned_and_some_of_the_old_replayed(bot: Bot, tmp_path: Path) -> None:
    run = continued(bot, [*OLD, *NEW], **{"data.examples": 2, "data.replay_share": 0.4})
    rows = asked(run, tmp_path)
    new = {each.question for each in NEW}
    assert new < set(rows), "two were the limit, and six are new"
    assert len(rows) == len(NEW) + 4


def test_a_few_new_ones_are_learned_among_many_old_ones(bot: Bot, tmp_path: Path) -> None:
    run = continued(bot, [*OLD, *NEW[:1]], **{"data.examples": 12})
    rows = asked(run, tmp_path)
    assert NEW[0].question in rows
    assert len(rows) == 12


def test_what_was_taken_back_is_not_replayed(bot: Bot, tmp_path: Path) -> None:
    run = continued(bot, [*OLD[:3], *NEW], **{"data.examples": 64})
    rows = set(asked(run, tmp_path))
    assert rows == {each.question for each in (*OLD[:3], *NEW)}


def test_lists_of_what_is_new_are_all_learned(bot: Bot, tmp_path: Path) -> None:
    run = continued(bot, [*OLD, *NEW], **{"data.style": "questions", "data.examples": 1})
    preparing.prepare(run, tmp_path)
    learned = examples.read(tmp_path / "train.jsonl")
    asked = {line for each in learned for line in each.target.splitlines()}
    assert asked == {each.question for each in NEW}


def test_lists_of_what_is_known_fill_up_the_rest(bot: Bot, tmp_path: Path) -> None:
    run = continued(bot, [*OLD, *NEW], **{"data.style": "questions", "data.examples": 0})
    preparing.prepare(run, tmp_path)
    learned = [each.target.splitlines() for each in examples.read(tmp_path / "train.jsonl")]
    new = {each.question for each in NEW}
    known = {"How long does delivery take?", "How can I pay?", *(each.question for each in OLD)}
    assert {line for lines in learned for line in lines} == new | known
    assert all(set(lines) <= new or not set(lines) & new for lines in learned)


def test_without_it_all_rows_are_drawn_from_alike(bot: Bot, tmp_path: Path) -> None:
    run = continued(
        bot,
        [*OLD, *NEW],
        **{"data.new_first": False, "data.examples": 5, "data.replay_share": 0.0},
    )
    assert len(asked(run, tmp_path)) == 5


@pytest.fixture
def frozen_run(bot: Bot) -> TrainingRun:
    """A run from a model that has seen three rows, over another dataset, which replays all it may."""
    dataset: Dataset = DatasetFactory(bot=bot)
    for each in OLD[:5]:
        example = Example(dataset=dataset, messages=list(each.messages), split="train")
        examples_of_dataset.save(example, turns_of(each.messages), author=None)
    first = TrainingRunFactory(bot=bot, dataset_version=freezing.freeze(dataset, author=None))
    held_out = replace(OLD[0], split="test", messages=(*OLD[0].messages[:-1], *NEW[0].messages[1:]))
    run: TrainingRun = TrainingRunFactory(
        bot=bot,
        dataset_version=frozen_version([*NEW, held_out]),
        parent=ModelVersionFactory(run=first),
    )
    about = {"data.replay_share": 0.9, "data.without_right_share": 0.0}
    run.recipe = recipe.load("tiny_test", about).as_dict()
    return run


def test_nothing_is_replayed_that_is_measured_with_or_was_taken_back(
    bot: Bot, frozen_run: TrainingRun, tmp_path: Path
) -> None:
    assert {each for each in asked(frozen_run, tmp_path) if "quick" in each} == {
        each.question for each in OLD[1:5]
    }, "the first is measured with"

    rejected, corrected, deleted = (
        Example.objects.get(digest=digest(each.messages, "en")) for each in OLD[1:4]
    )
    examples_of_dataset.decide([rejected], Example.Status.REJECTED, reviewer=None)
    turns = [*turns_of(OLD[2].messages[:-1]), Turn("assistant", "By card.")]
    examples_of_dataset.save(corrected, turns, author=None)
    deleted.delete()

    assert {each for each in asked(frozen_run, tmp_path) if "quick" in each} == {OLD[4].question}


def test_points_count_what_a_model_and_those_before_it_learned(bot: Bot) -> None:
    first = learned(bot, 1000, 0.7, examples=300)
    second = learned(bot, 1400, 0.8, parent=first, examples=300, new_first=True)
    learned(bot, 1500, 0.82, parent=second, examples=200)
    found = [(each.examples, each.accuracy) for each in learning.points(bot)]
    assert found == [(300, 0.7), (1400, 0.8), (1500, 0.82)]


def test_points_count_the_rows_that_lists_hold(bot: Bot) -> None:
    """Not the lists, of at most 12 questions each; and nothing else limits what is new."""
    lists: dict[str, Any] = {"style": "questions", "examples": 100}
    first = learned(bot, 800, 0.7, **lists)
    learned(bot, 1000, 0.8, parent=first, new_first=True, **lists)
    learned(bot, 2000, 0.81, new_first=True, **lists)
    learned(bot, 2000, 0.82, style="questions", examples=0)
    found = [(each.examples, each.accuracy) for each in learning.points(bot)]
    assert found == [(800, 0.7), (1000, 0.8), (1200, 0.81), (2000, 0.82)]


def test_points_are_of_whole_evaluations_of_one_base(bot: Bot) -> None:
    other = learned(bot, 100, 0.2)
    ModelVersion.objects.filter(pk=other.pk).update(base="another")
    part = learned(bot, 100, 0.99)
    part.evaluations.update(figures={"questions": 10, "accuracy": {"rate": 0.99}})
    learned(bot, 200, 0.5)
    learned(BotFactory(), 100, 0.6)
    assert [each.accuracy for each in learning.points(bot)] == [0.5]


def test_three_models_tell_what_more_would_bring_and_not_how_surely(bot: Bot) -> None:
    for train, rate in ((100, 0.65), (400, 0.8), (1600, 0.875)):
        learned(bot, train, rate)
    found = learning.curve(learning.points(bot))
    assert found.verdict == "worth_it"
    assert found.next_gain is not None
    assert found.next_gain.value > 0
    assert found.next_gain.low == -float("inf")

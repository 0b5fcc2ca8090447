"""A run's examples come from its dataset and from what its bot knows, found as serving finds it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chat.models import Bot
from tests.factories import BotFactory, approve
from tests.training.rows import dialogue, pair, row
from training.frozen import FrozenRow
from training.grounding import Grounded
from training.models import Dataset, DatasetVersion, TrainingRun
from training.services import freezing, preparing
from training.services.preparing import NothingToLearn
from training.trainer import examples, recipe

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    bot: Bot = BotFactory()
    approve(bot, "How long does delivery take?", "When will my parcel be here?", text="Two days.")
    approve(bot, "Do you take PayPal?", "How can I pay?", text="By card or PayPal.")
    return bot


def run_of(bot: Bot, monkeypatch: pytest.MonkeyPatch, *rows: FrozenRow) -> TrainingRun:
    monkeypatch.setattr(freezing, "rows_of", lambda _: list(rows))
    dataset = Dataset.objects.create(slug="d", name="D", bot=bot)
    version = DatasetVersion.objects.create(dataset=dataset, number=1, sha256="0" * 64, size=1)
    data = {"data.without_right_share": 0.0}
    return TrainingRun.objects.create(
        bot=bot,
        dataset_version=version,
        recipe_name="tiny_test",
        recipe=recipe.load("tiny_test", data).as_dict(),
        base="tiny",
    )


def test_example_reads_what_is_near_without_its_own_wording(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = run_of(bot, monkeypatch, pair("When will my parcel be here?", answer="Two days."))
    preparing.prepare(run, tmp_path)
    [example] = examples.read(tmp_path / "train.jsonl")
    lines = example.messages[-1]["content"].splitlines()
    assert lines[0] == "When will my parcel be here?"
    assert not any(line.endswith("When will my parcel be here?") for line in lines[1:])
    named = next(line for line in lines if line.endswith("How long does delivery take?"))
    assert example.target == named.partition(".")[0]


def test_rows_for_testing_are_never_prepared(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = run_of(
        bot,
        monkeypatch,
        pair("Is it quick?", answer="Two days."),
        pair("Secret of the test?", answer="Two days.", split="test"),
        pair("Held out while training?", answer="Two days.", split="dev"),
    )
    preparing.prepare(run, tmp_path)
    train, dev = ((tmp_path / name).read_text("utf-8") for name in ("train.jsonl", "dev.jsonl"))
    assert "Is it quick?" in train
    assert "Held out" in dev
    assert "Secret" not in train + dev


def test_same_run_is_prepared_to_the_same_files(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = [pair(f"Is it here in {n} days?", answer="Two days.") for n in range(12)]
    run = run_of(bot, monkeypatch, *rows)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        preparing.prepare(run, tmp_path / name)
    assert (tmp_path / "a/train.jsonl").read_bytes() == (tmp_path / "b/train.jsonl").read_bytes()


def test_no_more_is_looked_up_than_examples_are_chosen_from(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """To look one up takes a while; what is unknown is rare and all looked at."""
    looked_up: list[str] = []
    ground = preparing.ground

    def noting(rows: Sequence[FrozenRow], *given: Any) -> list[Grounded]:
        looked_up.extend(each.question for each in rows)
        return ground(rows, *given)

    rows = [pair(f"Is it here in {n} days?", answer="Two days.") for n in range(30)]
    unknown = [pair(f"Who is {n}?", answer="A person?", hands_over=True) for n in range(3)]
    run = run_of(bot, monkeypatch, *rows, *unknown)
    run.recipe["data"]["examples"] = 2
    monkeypatch.setattr(preparing, "ground", noting)
    preparing.prepare(run, tmp_path)
    assert len(looked_up) == 2 * preparing.LOOKED_AT + 3
    assert {each.question for each in unknown} <= set(looked_up)


def test_follow_up_finds_what_it_means_by_what_was_said_before(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = row(
        {"role": "user", "content": "How can I pay?"},
        {"role": "assistant", "content": "By card or PayPal."},
        {"role": "user", "content": "and how long does it take"},
        answer="Two days.",
    )
    run_of(bot, monkeypatch, talk)
    [found] = preparing.ground([talk], bot)
    assert found.near[0].answer == found.right


def test_what_nothing_approved_says_is_told_from_handing_over(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        dialogue("Hi", "Thanks!", answer="You are welcome."),
        pair("Do you sell bikes?", hands_over=True, answer="A person?"),
    ]
    run_of(bot, monkeypatch, *rows)
    small_talk, unknown = preparing.ground(rows, bot)
    assert (small_talk.right, small_talk.is_free) == (None, True)
    assert (unknown.right, unknown.is_free) == (None, False)


def test_dataset_that_the_bot_cannot_answer_says_what_to_do(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = run_of(bot, monkeypatch, pair("What colour is it?", answer="Blue."))
    with pytest.raises(NothingToLearn, match="teach_knowledge"):
        preparing.prepare(run, tmp_path)

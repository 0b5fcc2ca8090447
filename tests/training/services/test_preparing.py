"""A run's examples come from its dataset and from what its bot knows, found as serving finds it."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from chat import prompts
from chat.models import Bot
from tests.factories import BotFactory, ModelVersionFactory, TrainingRunFactory, approve
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


def run_of(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, *rows: FrozenRow, style: str = "number"
) -> TrainingRun:
    monkeypatch.setattr(freezing, "rows_of", lambda _: list(rows))
    dataset = Dataset.objects.create(slug="d", name="D", bot=bot)
    version = DatasetVersion.objects.create(dataset=dataset, number=1, sha256="0" * 64, size=1)
    data = {"data.without_right_share": 0.0, "data.style": style}
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


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may load the encoder."""

    def refuse(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(preparing, "LibraryShelf", refuse)
    monkeypatch.setattr(preparing, "embedded", refuse)


def lists_of(place: Path) -> dict[str, list[list[str]]]:
    """The lists of questions by what a model reads before them."""
    found: dict[str, list[list[str]]] = {}
    for each in examples.read(place):
        [message] = each.messages
        found.setdefault(message["content"], []).append(each.target.splitlines())
    return found


def reading(answer: str, locale: str = "en") -> str:
    [message] = prompts.asking(answer, locale)
    return message["content"]


@pytest.mark.usefixtures("no_search")
def test_lists_hold_approved_wordings_and_what_the_dataset_asks(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    approve(bot, "能退货吗？", text="可以。", locale="zh-hans")
    rows = [
        pair("Is it quick?", answer="two days"),
        pair("how long does delivery take", answer="Two days."),
        pair("What colour is it?", answer="Blue."),
        pair("A person, please!", answer="Two days.", hands_over=True),
        dialogue("Do you take cards?", "And PayPal?", answer="By card or PayPal."),
    ]
    run = run_of(bot, monkeypatch, *rows, style="questions")

    preparing.prepare(run, tmp_path)

    found = lists_of(tmp_path / "train.jsonl")
    assert {read: [sorted(each) for each in lists] for read, lists in found.items()} == {
        reading("Two days."): [
            ["How long does delivery take?", "Is it quick?", "When will my parcel be here?"]
        ],
        reading("By card or PayPal."): [
            ["Do you take PayPal?", "Do you take cards? And PayPal?", "How can I pay?"]
        ],
        reading("可以。", "zh-hans"): [["能退货吗？"]],
    }
    assert run.events.get(kind="prepared").detail == {"examples": 3, "answers": 3, "questions": 7}


@pytest.mark.usefixtures("no_search")
def test_lists_hold_nothing_that_is_held_out_but_for_looking_at(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    approve(bot, "Is it far", "Do you sell bikes", "How far?", text="One mile.")
    rows = [
        pair("WHEN will my parcel be here", answer="Two days.", split="dev"),
        pair("Is it far??", answer="One mile.", split="test"),
        pair("is it far", answer="One mile."),
        pair("Do you sell bikes?", answer="A person?", hands_over=True, split="dev"),
        dialogue("Hello", "How can I pay", answer="By card or PayPal.", split="dev"),
        dialogue("Hello", "how can i pay", answer="By card or PayPal."),
    ]
    run = run_of(bot, monkeypatch, *rows, style="questions")

    preparing.prepare(run, tmp_path)

    assert lists_of(tmp_path / "train.jsonl") == {
        reading("Two days."): [["How long does delivery take?"]],
        reading("One mile."): [["How far?"]],
        reading("By card or PayPal."): [["Do you take PayPal?"]],
    }
    assert lists_of(tmp_path / "dev.jsonl") == {
        reading("Two days."): [["How long does delivery take?", "WHEN will my parcel be here"]],
        reading("By card or PayPal."): [["Do you take PayPal?", "Hello How can I pay"]],
    }


@pytest.mark.usefixtures("no_search")
def test_lists_are_of_answers_that_serve(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    over = timezone.now() - timedelta(days=1)
    approve(bot, "Is there a sale?", text="Half price.", valid_until=over)
    approve(bot, "Do you sell tea?", text="No tea.", is_active=False)
    approve(BotFactory(), "Who are you?", text="Another bot.")
    rows = [pair(f"{text}?", answer=text) for text in ("Half price.", "No tea.", "Another bot.")]
    preparing.prepare(run_of(bot, monkeypatch, *rows, style="questions"), tmp_path)
    assert set(lists_of(tmp_path / "train.jsonl")) == {
        reading("Two days."),
        reading("By card or PayPal."),
    }


@pytest.mark.usefixtures("no_search")
def test_continued_model_reads_the_lists_again_and_nothing_is_replayed(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = run_of(bot, monkeypatch, pair("Is it quick?", answer="Two days."), style="questions")
    run.recipe["data"].update(new_first=True, replay_share=0.9)
    for name in ("first", "continued", "other"):
        (tmp_path / name).mkdir()
    preparing.prepare(run, tmp_path / "first")
    run.parent = ModelVersionFactory(run=TrainingRunFactory(bot=bot))
    preparing.prepare(run, tmp_path / "continued")
    run.seed += 1
    preparing.prepare(run, tmp_path / "other")
    first, continued, other = (
        (tmp_path / name / "train.jsonl").read_text("utf-8")
        for name in ("first", "continued", "other")
    )
    assert continued == first
    assert other != first


@pytest.mark.usefixtures("no_search")
def test_as_many_lists_are_made_and_looked_at_as_are_wanted(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = [pair(f"Is it here in {n} days?", answer="Two days.") for n in range(30)]
    rows += [pair(f"Is it {n}?", answer="Two days.", split="dev") for n in range(5)]
    run = run_of(bot, monkeypatch, *rows, style="questions")
    run.recipe["data"]["examples"] = 2
    monkeypatch.setattr(preparing, "MOST_HELD_OUT", 3)
    preparing.prepare(run, tmp_path)
    assert set(lists_of(tmp_path / "train.jsonl")) == {
        reading("Two days."),
        reading("By card or PayPal."),
    }
    [looked_at] = lists_of(tmp_path / "dev.jsonl").values()
    assert [len(each) for each in looked_at] == [prompts.LISTED + 1] * 3


@pytest.mark.usefixtures("no_search")
def test_without_wordings_there_are_no_lists(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bot = BotFactory()
    approve(bot, "Is it far?", text="One mile.")
    held_out = pair("Is it far?", answer="One mile.", split="test")
    with pytest.raises(NothingToLearn, match="no approved questions"):
        preparing.prepare(run_of(bot, monkeypatch, held_out, style="questions"), tmp_path)

"""Two answers to one question are found before they are saved."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chat.knowledge import files
from chat.knowledge.embedding import EmbeddingError, Vectors
from chat.knowledge.files import Contents, Entry
from chat.knowledge.ngrams_embedder import NgramsEmbedder
from chat.libraries import LibraryShelf
from chat.models import Bot, CuratedAnswer
from chat.services import conflicts as service
from chat.services import importing, knowledge
from chat.services.conflicts import Conflict, conflicts
from tests.factories import BotFactory, approve

pytestmark = pytest.mark.django_db


class Away:
    """An embedder that nobody reaches."""

    name = "away"

    def embed(self, questions: Sequence[str]) -> Vectors:
        raise EmbeddingError("away")


@pytest.fixture
def bot() -> Bot:
    return BotFactory(slug="shop", product_names=["Moonrise"])


@pytest.fixture
def shelf() -> LibraryShelf:
    return LibraryShelf(NgramsEmbedder())


def _found(
    bot: Bot,
    shelf: LibraryShelf,
    *questions: str,
    text: str = "Never.",
    locale: str = "en",
    besides: CuratedAnswer | None = None,
) -> list[tuple[str, str, bool]]:
    found = conflicts(bot, locale, questions, text, besides=besides, shelf=shelf)
    return [(each.question, each.known, each.score == 1.0) for each in found]


def test_the_same_words_with_another_answer_are_a_conflict(bot: Bot, shelf: LibraryShelf) -> None:
    approve(bot, "How long does delivery take?", text="Three days.")

    assert _found(bot, shelf, "how long does DELIVERY take") == [
        ("how long does DELIVERY take", "How long does delivery take?", True)
    ]


def test_nearly_the_same_words_are_a_conflict(bot: Bot, shelf: LibraryShelf) -> None:
    approve(bot, "How long does a delivery to Austria take?", text="Three days.")

    assert _found(bot, shelf, "How long does the delivery to Austria take?") == [
        (
            "How long does the delivery to Austria take?",
            "How long does a delivery to Austria take?",
            False,
        )
    ]


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        (
            "Can I return an opened tea within 30 days?",
            "Can I return an opened tea within 20 days?",
        ),
        (
            "Can I return an opened tin of tea to you?",
            "Can I not return an opened tin of tea to you?",
        ),
        (
            "Is the lamp for reading dimmable at home?",
            "Is the Moonrise lamp for reading dimmable at home?",
        ),
    ],
)
def test_what_the_guards_tell_apart_is_no_conflict(
    bot: Bot, shelf: LibraryShelf, known: str, asked: str
) -> None:
    approve(bot, known, text="Yes.")

    assert _found(bot, shelf, asked) == []


def test_the_same_answer_the_answer_itself_and_those_elsewhere_are_none(
    bot: Bot, shelf: LibraryShelf
) -> None:
    mine = approve(bot, "How long?", text="Three days.")
    approve(bot, "How long?", text="三天。", locale="zh-hans")
    approve(BotFactory(), "How long?", text="Four days.")
    off = approve(bot, "How long?", text="Five days.")
    knowledge.switch([off], active=False, author=None)

    assert _found(bot, shelf, "How long?", besides=mine) == []
    assert _found(bot, shelf, "How long?", text="three days") == []
    assert _found(bot, shelf, "How long?") == [("How long?", "How long?", True)]


def test_one_answer_is_named_once_for_each_pair(bot: Bot, shelf: LibraryShelf) -> None:
    approve(bot, "How long?", "How long is it?", text="Three days.")

    assert [known for _, known, _ in _found(bot, shelf, "How long?", "How long is it?")] == [
        "How long?", "How long is it?",
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [1, 3])
def test_the_number_of_queries_does_not_grow(
    bot: Bot, shelf: LibraryShelf, rows: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(rows):
        approve(bot, f"Question number {number} about delivery", text=str(number))
    _found(bot, shelf, "Question about delivery")

    with django_assert_max_num_queries(5):
        _found(bot, shelf, "Question about delivery")


def test_more_than_anybody_waits_for_is_left_to_the_runner(
    bot: Bot, shelf: LibraryShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_EMBEDDED", 1)
    approve(bot, "How long does a delivery to Austria take?", "Else", text="Three days.")

    assert len(_found(bot, shelf, "How long does the delivery to Austria take?")) == 1
    assert _found(bot, shelf, "How long does the delivery to Austria take?", "Third") == []


def _plan(bot: Bot, shelf: LibraryShelf | None, *entries: Entry) -> importing.Plan:
    return importing.plan(bot, "en", Contents(entries, ()), shelf=shelf)


def test_an_import_knows_new_changed_and_unchanged(bot: Bot, shelf: LibraryShelf) -> None:
    until = "2030-01-01T00:00:00+00:00"
    kept = approve(bot, "How long?", text="Three days.", key="time", topic="delivery")
    CuratedAnswer.objects.filter(pk=kept.pk).update(valid_until=until)
    approve(bot, "How much?", text="Five euros.", key="price")
    entries = (
        Entry(("How long?", "how many days"), "Four days.", "time"),
        Entry(("How much?",), "Five euros."),
        Entry(("Why?",), "Because."),
    )

    plan = _plan(bot, shelf, *entries)
    done = importing.carry_out(bot, "en", plan, author=None)

    assert (len(plan.new), len(plan.changed), plan.unchanged) == (1, 1, 1)
    assert (plan.problems, plan.conflicts, plan.is_thorough) == ((), (), True)
    assert done == (1, 1)
    kept.refresh_from_db()
    assert (kept.text, kept.topic, kept.revision) == ("Four days.", "delivery", 2)
    assert kept.valid_until is not None
    assert _plan(bot, shelf, *entries).unchanged == 3


def test_rows_that_cannot_be_kept_are_problems(bot: Bot) -> None:
    plan = _plan(
        bot,
        None,
        Entry(("How long?",), "Three days.", line=1),
        Entry(("how LONG",), "Four days.", line=2),
        Entry(("x" * 501,), "Too long.", line=3),
        Entry(("???",), "No words.", line=4),
    )

    assert [problem.line for problem in plan.problems] == [2, 3, 4]
    assert "Row 1 has another answer" in plan.problems[0].text


def test_two_rows_cannot_be_the_same_answer(bot: Bot) -> None:
    approve(bot, "How long?", text="Three days.", key="time")

    plan = _plan(
        bot,
        None,
        Entry(("How long?",), "Four days.", line=1),
        Entry(("How soon?",), "Five days.", "Time", line=2),
        Entry(("Why?",), "Because.", "a b", line=3),
        Entry(("Why not?",), "Because.", "a-b", line=4),
        Entry(("Where?",), "Here.", line=5),
        Entry(("Who?",), "We.", line=6),
    )

    assert [problem.line for problem in plan.problems] == [2, 4]
    assert len(plan.new) == 3


def test_an_import_names_its_conflicts(bot: Bot, shelf: LibraryShelf) -> None:
    known = approve(bot, "How long?", text="Three days.")
    entry = Entry(("how long",), "Four days.", "another")

    assert _plan(bot, shelf, entry).conflicts == (Conflict("how long", "How long?", known, 1.0),)
    away = _plan(bot, LibraryShelf(Away()), entry)
    assert (len(away.conflicts), away.is_thorough) == (1, False)


def test_what_is_exported_is_imported_elsewhere(
    bot: Bot, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    settings.CHAT_EMBEDDER = "ngrams"
    approve(bot, "How long?", "=1", text="Three\ndays.", key="time", topic="delivery")
    other = BotFactory(slug="other")
    for format in files.FORMATS:
        call_command("export_knowledge", "--bot", "shop", "--locale", "en", "--format", format)
        path = tmp_path / f"a.{format}"
        path.write_text(capsys.readouterr().out, encoding="utf-8")

        call_command("import_knowledge", path, "--bot", "other", "--locale", "en", "--dry-run")
        assert "Nothing was changed." in capsys.readouterr().out
        assert not other.curated_answers.exists()
        call_command("import_knowledge", path, "--bot", "other", "--locale", "en")

        assert "1 answers written, 0 changed." in capsys.readouterr().out
        assert importing.exported(other, "en") == importing.exported(bot, "en")
        knowledge.remove(other.curated_answers.all())


def test_an_import_is_whole_or_not_at_all(
    bot: Bot, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    settings.CHAT_EMBEDDER = "ngrams"
    path = tmp_path / "a.jsonl"
    path.write_text('{"questions": ["a b"], "answer": "c"}\n{"questions": ["d e"]}\n')

    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command("import_knowledge", path, "--bot", "shop", "--locale", "en")

    assert "line 2: There is no answer." in capsys.readouterr().err
    assert not bot.curated_answers.exists()


@pytest.mark.parametrize(
    ("bot_name", "content", "message"),
    [("nobody", "{}", "no bot"), ("shop", "", "no answers"), ("shop", None, "cannot be read")],
)
def test_commands_say_what_is_wrong(
    bot: Bot, tmp_path: Path, bot_name: str, content: str | None, message: str
) -> None:
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_text(content)

    with pytest.raises(CommandError, match=message):
        call_command("import_knowledge", path, "--bot", bot_name, "--locale", "en")


def test_vectors_of_a_draft_are_kept_for_the_next_look(bot: Bot) -> None:
    class Counting(NgramsEmbedder):
        asked = 0

        def embed(self, questions: Sequence[str]) -> Vectors:
            self.asked += len(questions)
            return super().embed(questions)

    embedder = Counting()
    approve(bot, "How long?", text="Three days.")
    shelf = LibraryShelf(embedder)

    _found(bot, shelf, "Why is that so?")
    _found(bot, shelf, "Why is that so?")

    assert embedder.asked == 2

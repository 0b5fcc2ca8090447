"""What a dataset answers becomes knowledge; what is held out stays unseen."""

import pytest

from chat.models import Bot, CuratedAnswer
from tests.factories import BotFactory, approve
from tests.training.rows import pair
from training.frozen import FrozenRow
from training.models import Dataset, DatasetVersion
from training.services import freezing, teaching

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    return BotFactory()


def version_of(bot: Bot, monkeypatch: pytest.MonkeyPatch, *rows: FrozenRow) -> DatasetVersion:
    dataset = Dataset.objects.create(slug="d", name="D", bot=bot)
    version = DatasetVersion.objects.create(dataset=dataset, number=1, sha256="0" * 64, size=1)
    monkeypatch.setattr(freezing, "rows_of", lambda _: list(rows))
    return version


def questions(answer: CuratedAnswer) -> list[str]:
    return list(answer.variants.order_by("position").values_list("text", flat=True))


def test_new_answer_is_learned_with_the_training_questions_alone(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = version_of(
        bot,
        monkeypatch,
        pair("How long?", group="time", answer="Two days."),
        pair("how long", group="time", answer="Two days."),
        pair("When is it here?", group="time", answer="Two days."),
        pair("Held out?", group="time", answer="Two days.", split="test"),
        pair("Nobody knows?", group="none", answer="A person?", hands_over=True),
    )
    assert teaching.teach(version, author=None) == (1, 0)
    [answer] = CuratedAnswer.objects.filter(bot=bot)
    assert (answer.key, answer.text) == ("time", "Two days.")
    assert questions(answer) == ["How long?", "When is it here?"]


def test_known_answer_keeps_its_text_and_gets_new_wordings(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = approve(bot, "How long does it take?", text="Three days.")
    version = version_of(
        bot, monkeypatch, pair("When is it here?", group=known.key, answer="Two days.")
    )
    assert teaching.teach(version, author=None) == (0, 1)
    known.refresh_from_db()
    assert known.text == "Three days."
    assert questions(known) == ["How long does it take?", "When is it here?"]
    assert teaching.teach(version, author=None) == (0, 0)


def test_question_of_another_answer_is_not_taken_from_it(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = approve(bot, "When is it here?", text="Soon.")
    version = version_of(
        bot,
        monkeypatch,
        pair("when is it HERE", group="time", answer="Two days."),
        pair("How long?", group="time", answer="Two days."),
    )
    teaching.teach(version, author=None)
    assert questions(CuratedAnswer.objects.get(bot=bot, key="time")) == ["How long?"]
    assert questions(other) == ["When is it here?"]

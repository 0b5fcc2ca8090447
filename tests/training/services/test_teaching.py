"""What a dataset answers becomes knowledge; what is held out stays unseen."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chat.models import Bot, CuratedAnswer
from tests.factories import BotFactory, UserFactory, approve
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


def test_what_is_out_of_service_stays_so(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    until = timezone.now() - timedelta(days=1)
    ann = UserFactory(username="ann")
    off = approve(bot, "How long does it take?", text="Three days.", is_active=False)
    over = approve(bot, "Is there a sale?", text="In May.", valid_until=until, owner=ann)
    version = version_of(
        bot,
        monkeypatch,
        pair("When is it here?", group=off.key, answer="Two days."),
        pair("Any sale now?", group=over.key, answer="In June."),
    )
    assert teaching.teach(version, author=None) == (0, 2)
    for each in (off, over):
        each.refresh_from_db()
        assert each.variants.count() == 2
    assert not off.is_active
    assert (over.valid_until, over.owner, over.text) == (until, ann, "In May.")


@pytest.mark.parametrize("group", ["Delivery Time", "送货/时间"])
def test_a_group_may_be_called_anything(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    """What was learned of it earlier is found again and kept."""
    version = version_of(bot, monkeypatch, pair("How long?", group=group, answer="Two days."))
    assert teaching.teach(version, author=None) == (1, 0)
    rows = [
        pair("How long?", group=group, answer="Two days."),
        pair("When is it here?", group=group, answer="Three days."),
    ]
    monkeypatch.setattr(freezing, "rows_of", lambda _: rows)
    assert teaching.plan(version).wordings == 1
    assert teaching.teach(version, author=None) == (0, 1)
    [answer] = CuratedAnswer.objects.all()
    assert answer.text == "Two days."
    assert questions(answer) == ["How long?", "When is it here?"]


def test_a_group_whose_name_is_no_name_is_left_out(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time it would be another answer."""
    version = version_of(bot, monkeypatch, pair("How long?", group="?!", answer="Two days."))
    assert teaching.teach(version, author=None) == (0, 0)

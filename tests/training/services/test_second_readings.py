"""A share of what one reviewer decided alone is read again by another, who does not see how."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.models import Bot
from moderation.models import AuditEntry
from tests.factories import BotFactory, DatasetFactory
from tests.training.services.test_reviewing import disliked, liked, only, person
from training.agreement import agreement
from training.models import Dataset, Example, ReviewDecision, ReviewItem
from training.services import freezing, reviewing
from training.services.approving import NotDecided
from training.services.proposing import propose
from training.services.reviewing import Decision, Verdict

pytestmark = pytest.mark.django_db
Status = ReviewItem.Status
REJECTED: dict[str, Any] = {"verdict": Verdict.REJECT, "rejection": "wrong"}


@pytest.fixture(autouse=True)
def _always(settings: Settings) -> None:
    settings.CHAT_EMBEDDER = "ngrams"
    settings.TRAINING_SECOND_READINGS = 1


@pytest.fixture
def bot() -> Bot:
    made: Bot = BotFactory(confidence_threshold=0)
    DatasetFactory(bot=made)
    return made


@pytest.fixture
def approved(bot: Bot) -> User:
    """The first reader, who approved the only proposal."""
    liked(bot)
    propose(bot)
    first = person()
    decide(Verdict.APPROVE, by=first)
    return first


def decide(verdict: Verdict, *, by: User, rejection: str = "") -> ReviewDecision:
    return reviewing.decide(only(), Decision(verdict, rejection=rejection), by=by)


def reject(by: User) -> ReviewDecision:
    return decide(Verdict.REJECT, by=by, rejection="wrong")


def test_another_reviewer_reads_it_and_the_first_does_not(approved: User) -> None:
    assert only().status == Status.APPROVED
    assert list(reviewing.open_items(approved)) == []
    assert list(reviewing.open_items(person())) == [only()]
    # Who cannot approve could only disagree.
    assert list(reviewing.open_items(person("work_on_all_bots", "review_example"))) == []
    with pytest.raises(NotDecided):
        reject(approved)


def test_who_agrees_closes_it_and_is_counted(bot: Bot, approved: User) -> None:
    decide(Verdict.APPROVE, by=person())

    assert (only().status, only().is_read_again) == (Status.APPROVED, False)
    assert list(reviewing.open_items(person())) == []
    assert Example.objects.get().status == Example.Status.APPROVED
    found = agreement(Bot.objects.all())
    assert found is not None
    assert (found.pairs, found.share) == (1, 1.0)
    entry = AuditEntry.objects.filter(action="proposal.approved").latest("id")
    assert '"is_second_reading":true' in entry.facts


def test_who_disagrees_opens_it_for_a_third_and_nothing_is_learned_meanwhile(
    bot: Bot, approved: User
) -> None:
    second = person()
    reject(second)

    assert (only().status, only().risks) == (Status.OPEN, ["disagreement"])
    assert Example.objects.get().status == Example.Status.REJECTED
    assert [list(reviewing.open_items(each)) for each in (approved, second)] == [[], []]
    third = person()
    assert list(reviewing.open_items(third)) == [only()]
    decide(Verdict.APPROVE, by=third)
    assert (only().status, only().is_read_again) == (Status.APPROVED, False)
    assert Example.objects.get().status == Example.Status.APPROVED
    found = agreement(Bot.objects.all())
    assert found is not None
    assert found.pairs == 3


def test_a_third_who_rejects_it_ends_it(approved: User) -> None:
    reject(person())
    reject(person())

    assert (only().status, only().is_read_again) == (Status.REJECTED, False)
    assert Example.objects.get().status == Example.Status.REJECTED


def test_what_was_rejected_is_read_again_too(bot: Bot) -> None:
    liked(bot)
    propose(bot)
    reject(person())
    assert list(reviewing.open_items(person())) == [only()]

    decide(Verdict.APPROVE, by=person())

    assert only().status == Status.OPEN
    assert not Example.objects.exists(), "two of three have to want it"
    decide(Verdict.APPROVE, by=person())
    assert Example.objects.get().status == Example.Status.APPROVED


def test_other_words_are_a_disagreement(approved: User) -> None:
    edited = Decision(Verdict.EDIT, answer="Yes, within 30 days, if it is whole.")
    reviewing.decide(only(), edited, by=person())

    assert (only().status, only().answer) == (Status.OPEN, edited.answer)
    assert Example.objects.get().status == Example.Status.REJECTED


def test_a_disagreement_that_is_taken_back_is_none(approved: User) -> None:
    second = person()
    example = Example.objects.get()
    reject(second)

    reviewing.undo(second)

    assert (only().status, only().is_read_again, only().example) == (Status.APPROVED, True, example)
    example.refresh_from_db()
    assert (example.status, example.reviewer) == (Example.Status.APPROVED, approved)
    assert list(reviewing.open_items(second)) == [only()]


def test_third_and_second_take_theirs_back(approved: User) -> None:
    second, third = person(), person()
    reject(second)
    decide(Verdict.APPROVE, by=third)

    reviewing.undo(third)
    assert (only().status, Example.objects.get().status) == (Status.OPEN, "rejected")
    reviewing.undo(second)

    assert (only().status, only().example) == (Status.APPROVED, Example.objects.get())
    assert Example.objects.get().status == Example.Status.APPROVED


def test_what_was_frozen_already_is_left_out_of_the_next_version(bot: Bot, approved: User) -> None:
    dataset = Dataset.objects.get()
    freezing.freeze(dataset, author=None)
    reject(person())

    assert Example.objects.get().status == Example.Status.REJECTED


def test_who_passes_over_it_leaves_it_to_others(approved: User) -> None:
    passing = person()
    decide(Verdict.SKIP, by=passing)

    assert (only().status, only().is_read_again) == (Status.APPROVED, True)
    assert list(reviewing.open_items(passing)) == []
    assert list(reviewing.open_items(person())) == [only()]


def test_it_is_not_decided_with_others(bot: Bot, approved: User) -> None:
    liked(bot)
    propose(bot)
    waiting = ReviewItem.objects.get(status=Status.OPEN)

    decided = reviewing.decide_all(
        waiting, Decision(Verdict.REJECT, rejection="wrong"), by=person()
    )

    assert [each.item for each in decided] == [waiting]
    assert ReviewItem.objects.filter(status=Status.APPROVED, is_read_again=True).count() == 1


def test_what_took_two_is_not_read_by_a_third(bot: Bot) -> None:
    disliked(bot)
    propose(bot)
    reviewing.decide(only(), Decision(Verdict.EDIT, answer="Yes, within 30 days."), by=person())
    decide(Verdict.APPROVE, by=person())

    assert (only().status, only().is_read_again) == (Status.APPROVED, False)


@pytest.mark.parametrize(("share", "expected"), [(0, 0), (0.05, 1), (1, 20)])
def test_the_share_is_a_setting(
    bot: Bot, settings: Settings, monkeypatch: pytest.MonkeyPatch, share: float, expected: int
) -> None:
    settings.TRAINING_SECOND_READINGS = share
    lots = iter(number / 20 for number in range(20))
    monkeypatch.setattr(reviewing._draw, "random", lambda: next(lots))
    liked(bot)
    propose(bot)
    first = person()
    drawn = 0
    for _ in range(20):
        decide(Verdict.APPROVE, by=first)
        drawn += only().is_read_again
        reviewing.undo(first)
    assert drawn == expected

"""What is shown beside the measure that decides, of which conversations, and when the rest is expected."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from chat.models import Conversation, Conversion, Feedback, Message, Split
from tests.factories import ConversationFactory, ExperimentFactory, MessageFactory
from training import experiment_report
from training.experiment_report import Measure, Report
from training.models import Experiment

pytestmark = pytest.mark.django_db

Talk = Callable[..., Message]


@pytest.fixture
def experiment() -> Experiment:
    return ExperimentFactory()


@pytest.fixture
def talk(experiment: Experiment) -> Talk:
    """An answer of the model in a new conversation of an arm that is over."""

    def said(*, challenger: bool, wait: float = 1.0, **fields: Any) -> Message:
        while True:
            conversation = ConversationFactory(visitor__bot=experiment.bot, last_seq=2)
            if experiment.traffic.is_challengers(conversation.visitor.public_id) is challenger:
                break
            conversation.delete()
        answer: Message = MessageFactory(
            conversation=conversation,
            role="assistant",
            source="model",
            timings={"queue": 0.5, "answer": wait},
        )
        changes = {"status": "closed", "closed_at": timezone.now(), **fields}
        Conversation.objects.filter(pk=conversation.pk).update(**changes)
        return answer

    return said


def convert(answer: Message, name: str = "purchase", value: int | None = None) -> Conversion:
    visitor = answer.conversation.visitor
    key = f"{name}-{visitor.pk}-{visitor.conversions.count()}".encode()
    return Conversion.objects.create(
        visitor=visitor, conversation=answer.conversation, key_digest=key, name=name, value=value
    )


def later(answer: Message, **fields: Any) -> Message:
    """One more answer in the same conversation."""
    answer.conversation.refresh_from_db()
    found: Message = MessageFactory(conversation=answer.conversation, role="assistant", **fields)
    return found


def thumb(answer: Message, value: str) -> None:
    Feedback.objects.create(message=answer, visitor=answer.conversation.visitor, value=value)


def measured(report: Report, name: str) -> Measure:
    return next(each for each in report.beside if name in (each.name, each.event))


def values(report: Report, name: str) -> tuple[float | None, float | None]:
    found = measured(report, name).comparison
    return found.champion.value, found.challenger.value


def test_empty_is_nothing_and_no_fault(experiment: Experiment) -> None:
    report = experiment_report.report(experiment)
    assert report.resolved.difference.value is None
    assert values(report, "wait_p95") == (None, None)
    assert (report.still_needed, report.next_look, report.last_look) == (100, None, None)


def test_shares_are_of_conversations_by_arm(experiment: Experiment, talk: Talk) -> None:
    for number in range(4):
        talk(challenger=False, handoff_reason="asked" if number < 3 else "")
    _silent, one, two, three = (
        talk(challenger=True, handoff_reason="asked" if number < 1 else "") for number in range(4)
    )
    for answer, value in ((one, "up"), (two, "up"), (three, "down"), (later(three), "up")):
        thumb(answer, value)

    report = experiment_report.report(experiment)

    assert (report.champion.good, report.challenger.good) == (1, 3)
    assert values(report, "handoff") == (0.75, 0.25)
    thumbs = measured(report, "thumbs").comparison
    assert (thumbs.champion.value, thumbs.challenger.count) == (None, 3)
    assert thumbs.challenger.value == pytest.approx(2 / 3), "one thumb down is one too many"


def test_conversions_are_of_visitors_since_they_began(experiment: Experiment, talk: Talk) -> None:
    answers = [talk(challenger=each) for each in [False] * 6 + [True] * 6]
    convert(answers[0], value=10)
    for answer in answers[6:9]:
        convert(answer)
        convert(answer)
    convert(answers[9], "sign-up")
    early = convert(answers[11])
    Conversion.objects.filter(pk=early.pk).update(
        at=Conversation.objects.get(pk=answers[11].conversation_id).created_at
        - timedelta(seconds=1)
    )

    report = experiment_report.report(experiment)

    assert values(report, "converted") == pytest.approx((1 / 6, 4 / 6))
    assert values(report, "purchase") == pytest.approx((1 / 6, 3 / 6))
    assert values(report, "sign-up") == pytest.approx((0, 1 / 6))
    assert values(report, "value") == pytest.approx((10 / 6, 0))


def test_ratings_and_waits_are_means_and_percentiles(experiment: Experiment, talk: Talk) -> None:
    for number in range(10):
        talk(challenger=False, wait=1.0 + number / 10, rating=1 + number % 5)
        answer = talk(challenger=True, wait=2.0 + number / 10, rating=4 + number % 2)
        # A later answer of the same conversation does not count twice.
        later(answer, source="model", timings={"answer": 99.0})

    report = experiment_report.report(experiment)

    assert values(report, "rating") == pytest.approx((3.0, 4.5))
    rating = measured(report, "rating").comparison.difference
    assert rating.low is not None
    assert 0 < rating.low < 1.5
    half = measured(report, "wait_p50").comparison
    assert (half.champion.value, half.challenger.value) == pytest.approx((1.95, 2.95))
    assert half.difference.low is not None
    assert half.difference.high is not None
    assert half.difference.low < 1.0 < half.difference.high


def test_the_rest_is_expected_at_the_present_pace(experiment: Experiment, talk: Talk) -> None:
    for _ in range(5):
        talk(challenger=False)
        talk(challenger=True)
    now = timezone.now()
    Split.objects.update(started_at=now - timedelta(days=5))
    Experiment.objects.update(started_at=now - timedelta(days=5))
    experiment.refresh_from_db()

    report = experiment_report.report(experiment, now=now)

    assert (report.reading.needed, report.still_needed) == (15, 95)
    assert report.next_look == now + timedelta(days=15)
    assert report.last_look == now + timedelta(days=95)
    Experiment.objects.update(ended_at=now + timedelta(seconds=1), verdict="ended")
    experiment.refresh_from_db()
    assert experiment_report.report(experiment, now=now).last_look is None

"""A report of a small week that can be counted by hand, on whichever database."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.analytics.figures import Percentiles, Share
from chat.analytics.measures import Report
from chat.analytics.periods import Period
from chat.analytics.report import report, totals
from chat.analytics.selectors import Outcome
from chat.models import Bot
from tests.chat.analytics.talk import (
    answered_by,
    asked,
    conversation,
    days_ago,
    thumb,
    unanswered,
)
from tests.factories import BotFactory, DeploymentFactory, MessageFactory, UserFactory, approve

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    return BotFactory(slug="shop", name="Shop")


def week(*bots: Bot, locale: str = "", days: int = 7) -> Report:
    period = Period.up_to(timezone.localdate(), days)
    return report([each.pk for each in bots], period, timezone.get_current_timezone(), locale)


# Outcomes


def test_each_conversation_has_one_outcome(bot: Bot) -> None:
    asked(conversation(bot, at=days_ago(3)))
    asked(conversation(bot, at=days_ago(3), status="closed", rating=5))
    asked(conversation(bot, at=days_ago(2), status="waiting", handoff_reason="asked"))
    asked(conversation(bot, at=days_ago(2), status="closed", handoff_reason="unsure", rating=2))
    unanswered(conversation(bot, at=days_ago(2)), "Why?")
    asked(conversation(bot, at=timezone.now(), updated_at=timezone.now()))
    conversation(bot, at=days_ago(1))  # Nobody wrote anything.

    seen = week(bot).totals

    assert seen.conversations == 6
    assert seen.outcomes == {
        Outcome.RESOLVED: 2, Outcome.PERSON: 2, Outcome.UNANSWERED: 1, Outcome.OPEN: 1
    }  # fmt: skip
    assert seen.resolved == Share(2, 5)
    assert seen.handed == Share(2, 5)
    assert seen.reasons == {"asked": 1, "unsure": 1}
    assert seen.ratings == {5: 1, 2: 1}
    assert seen.rating.value == 3.5


def test_whom_a_person_took_was_not_resolved_without_one(bot: Bot) -> None:
    """Even when nobody had asked for it, and the bot had answered before."""
    asked(conversation(bot, at=days_ago(3), status="closed", taken_at=days_ago(3, 13)))

    assert week(bot).totals.outcomes[Outcome.PERSON] == 1


def test_what_still_goes_on_is_not_yet_resolved(bot: Bot) -> None:
    begun = timezone.now() - timedelta(hours=30)
    asked(conversation(bot, at=begun, updated_at=timezone.now() - timedelta(hours=23)))
    asked(conversation(bot, at=begun, updated_at=timezone.now() - timedelta(hours=25)))

    seen = week(bot).totals

    assert (seen.outcomes[Outcome.OPEN], seen.outcomes[Outcome.RESOLVED]) == (1, 1)
    assert seen.resolved == Share(1, 1)


def test_an_answer_that_the_customer_stopped_resolves_nothing(bot: Bot) -> None:
    asked(conversation(bot, at=days_ago(2)), status="cancelled")

    assert week(bot).totals.outcomes[Outcome.UNANSWERED] == 1


# Messages


def test_answers_are_counted_by_source_and_notices_are_none(bot: Bot) -> None:
    made = conversation(bot, at=days_ago(2))
    for source in ("curated", "curated", "cache", "model"):
        asked(made, source=source)
    unanswered(made, "Huh?", "unsure")
    unanswered(made, "What?", "withheld")
    asked(made, status="failed", source="", code="engine_error")

    seen = week(bot).totals

    assert seen.questions == 7
    assert seen.sources == {"curated": 2, "cache": 1, "model": 1}
    assert seen.ready == Share(3, 4)
    assert seen.cached == Share(1, 4)
    assert seen.without_answer == Share(2, 6)
    assert seen.failed == 1


def test_times_are_those_of_stages_and_of_sources(bot: Bot) -> None:
    made = conversation(bot, at=days_ago(2))
    asked(made, source="curated")
    asked(made, source="curated", timings={"queue": 0.5, "answer": 1.5})
    for seconds in (2.0, 4.0):
        timings = {"queue": 1.0, "first_token": 0.2, "answer": seconds, "moderation": 0.03}
        asked(made, timings=timings)
    asked(made, status="cancelled", timings={"answer": 99.0})
    MessageFactory(conversation=made, timings={"moderation": 0.002})

    seen = week(bot)

    assert seen.by_source["curated"] == Percentiles(2, 0.0, 2.0, 2.0)
    assert seen.by_source["model"] == Percentiles(2, 3.0, 5.0, 5.0)
    assert seen.by_source["cache"] == Percentiles()
    assert seen.by_stage["answer"] == Percentiles(3, 2.0, 4.0, 4.0)
    assert seen.by_stage["queue"] == Percentiles(3, 1.0, 1.0, 1.0)
    assert seen.totals.wait == Percentiles(4, 2.0, 5.0, 5.0)
    assert seen.checks == Percentiles(1, 0.002, 0.002, 0.002)
    assert seen.moderation_share == pytest.approx(1.0)


def test_thumbs_count_for_the_day_of_the_answer(bot: Bot) -> None:
    made = conversation(bot, at=days_ago(2))
    for value in ("up", "up", "down"):
        thumb(asked(made), value)
    thumb(answered_by(made, UserFactory(), at=days_ago(2)), "down")

    seen = week(bot)

    assert seen.totals.thumbs == Share(2, 3)
    column = next(each for each in seen.columns if each.at.date() == days_ago(2).date())
    assert (column.thumbs["up"], column.thumbs["down"], column.conversations) == (2, 1, 1)


# Models


def test_models_are_told_apart_and_ready_answers_are_nobodys(bot: Bot) -> None:
    old = DeploymentFactory(bot=bot, version=1, artifact="shop-v1-int4", is_active=False)
    new = DeploymentFactory(bot=bot, version=2, artifact="shop-v2-int4", is_active=True)
    for number in range(4):
        made = conversation(bot, at=days_ago(2), handoff_reason="asked" if number else "")
        thumb(asked(made, deployment=old, confidence=0.5), "down")
    made = conversation(bot, at=days_ago(1))
    thumb(asked(made, deployment=new, confidence=0.9, timings={"answer": 3.0}), "up")
    unanswered(made, "Huh?", deployment=new, confidence=0.1)
    thumb(asked(made, deployment=new, source="curated"), "down")

    newer, older = week(bot).versions

    assert (newer.name, newer.is_active, newer.answers) == ("v2 shop-v2-int4", True, 1)
    assert (newer.thumbs, newer.without_answer, newer.handed) == (
        Share(1, 1), Share(1, 2), Share(0, 1)
    )  # fmt: skip
    assert newer.confidence.value == pytest.approx(0.5)
    assert newer.answer == Percentiles(1, 3.0, 3.0, 3.0)
    assert (older.name, older.thumbs, older.handed) == ("v1 shop-v1-int4", Share(0, 4), Share(3, 4))


# Questions


def test_questions_are_grouped_and_say_whether_somebody_answered_since(bot: Bot) -> None:
    answer = approve(bot, "How long?", text="Three days.")
    made = conversation(bot, at=days_ago(2))
    unanswered(made, "Do you sell coffee?")
    unanswered(made, "do you sell COFFEE", "unsure")
    unanswered(made, "How long?", "withheld")
    asked(made, "how long", source="curated", curated_answer=answer)
    asked(made, "Why?", source="cache")

    seen = week(bot)

    assert [(each.text.lower().rstrip("?"), each.count) for each in seen.unanswered] == [
        ("do you sell coffee", 2), ("how long", 1)
    ]  # fmt: skip
    assert [each.is_answered_now for each in seen.unanswered] == [False, True]
    assert [each.count for each in seen.asked] == [2, 2, 1]
    assert {(each.text, each.how) for each in seen.asked} >= {("Why?", "cache")}
    assert [(each.pk, each.question, each.count) for each in seen.said] == [
        (answer.pk, "How long?", 1)
    ]


# Agents


def test_work_of_agents_is_how_soon_they_came_and_answered(bot: Bot) -> None:
    ann, ben = UserFactory(username="ann"), UserFactory(username="ben")
    wanted = days_ago(2)
    for agent, waited, replied in ((ann, 60, 10), (ann, 120, 30), (ben, 5, None)):
        taken = wanted + timedelta(seconds=waited)
        made = conversation(
            bot, at=wanted, status="closed", waiting_since=wanted, taken_at=taken, agent=agent,
            handoff_reason="asked", rating=4 if agent == ann else None,
        )  # fmt: skip
        MessageFactory(conversation=made)
        if replied is not None:
            answered_by(made, agent, at=taken + timedelta(seconds=replied))
            answered_by(made, agent, at=taken + timedelta(seconds=replied + 500))

    first, second = week(bot).work

    assert (first.agent, first.taken, first.closed) == ("ann", 2, 2)
    assert first.waited == Percentiles(2, 60.0, 120.0, 120.0)
    assert first.answered == Percentiles(2, 10.0, 30.0, 30.0)
    assert first.rating.value == 4
    assert (second.agent, second.taken, second.answered) == ("ben", 1, Percentiles())


# Scope


def test_other_bots_languages_and_times_are_left_out(bot: Bot) -> None:
    other = BotFactory()
    asked(conversation(bot, at=days_ago(1)))
    asked(conversation(bot, at=days_ago(1), locale="zh-hans"))
    asked(conversation(other, at=days_ago(1)))
    asked(conversation(bot, at=days_ago(7)))
    asked(conversation(bot, at=days_ago(20)))

    assert week(bot).totals.conversations == 2
    assert week(bot).before.conversations == 1
    assert week(bot, locale="zh-hans").totals.conversations == 1
    assert week(bot, locale="zh-hans").totals.answers == 1
    assert week(other).totals.answers == 1
    assert week(bot, other).totals.conversations == 3
    assert week().is_empty


def test_days_are_those_of_the_console(bot: Bot, settings: Any) -> None:
    """A conversation of 23:30 in London is one of the next day in Shanghai."""
    settings.TIME_ZONE = "Asia/Shanghai"
    with timezone.override("Asia/Shanghai"):
        at = days_ago(2, hour=0) + timedelta(minutes=30)
        asked(conversation(bot, at=at))

        seen = week(bot)

        assert [each.at.date() for each in seen.columns if each.conversations] == [at.date()]


def test_a_year_is_drawn_in_weeks_and_a_day_in_hours(bot: Bot) -> None:
    asked(conversation(bot, at=days_ago(300)))
    at = timezone.now() - timedelta(minutes=1)
    asked(conversation(bot, at=at, updated_at=at))

    year = week(bot, days=365)

    assert sum(each.conversations for each in year.columns) == 2
    assert len(year.columns) == 53
    assert len(week(bot, days=1).columns) == 24


@pytest.mark.parametrize("count", [1, 6])
def test_queries_do_not_grow_with_rows(
    bot: Bot, count: int, django_assert_max_num_queries: Any
) -> None:
    agent = User.objects.create(username="ann")
    answer = approve(bot, "How long?", text="Three days.")
    for number in range(count):
        deployment = DeploymentFactory(bot=bot, version=number + 1, is_active=number == 0)
        made = conversation(bot, at=days_ago(1), taken_at=days_ago(1), agent=agent)
        thumb(asked(made, f"Question {number}?", deployment=deployment), "up")
        asked(made, "How long?", source="curated", curated_answer=answer)
        unanswered(made, f"Another {number}?")

    with django_assert_max_num_queries(18):
        week(bot)
    with django_assert_max_num_queries(8):
        totals([bot.pk], Period.up_to(timezone.localdate(), 7), timezone.get_current_timezone())

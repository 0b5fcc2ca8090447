"""Each period has one increment, whoever keeps the time and how well."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from chat.models import Bot
from tests.factories import BotFactory, DatasetFactory
from tests.training.services.increment_world import proposal
from training.models import Increment, IncrementPolicy
from training.services import increment_decisions, increment_schedule
from training.services.increment_decisions import IncrementRefused
from training.services.increment_schedule import propose_due, slot_of

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def ready(count: int = 3, **policy: Any) -> Bot:
    """A bot with as many proposals as its schedule wants to begin."""
    bot: Bot = BotFactory()
    DatasetFactory(bot=bot)
    IncrementPolicy.objects.create(bot=bot, **{"size": 10, **policy})
    for _ in range(count):
        proposal(bot)
    return bot


def over(bot: Bot) -> None:
    Increment.objects.filter(bot=bot).update(ended_at=timezone.now(), stage="cancelled")
    bot.review_items.update(increment=None)


@pytest.mark.django_db
def test_a_month_has_one_and_the_next_one_its_own() -> None:
    bot = ready()
    first = propose_due(bot, now=NOW)
    assert first is not None
    assert (first.slot, first.proposed_by) == (date(2026, 11, 1), None)
    over(bot)
    assert propose_due(bot, now=NOW + timedelta(days=3)) is None
    second = propose_due(bot, now=NOW + timedelta(days=7))
    assert second is not None
    assert second.slot == date(2026, 12, 1)


@pytest.mark.django_db
def test_a_clock_that_went_back_opens_nothing() -> None:
    bot = ready()
    propose_due(bot, now=NOW)
    over(bot)
    assert propose_due(bot, now=NOW - timedelta(days=70)) is None
    assert Increment.objects.count() == 1


@pytest.mark.django_db
def test_the_row_refuses_a_second_one_whatever_was_looked_up_before() -> None:
    bot = ready()
    propose_due(bot, now=NOW)
    over(bot)
    with pytest.raises(IncrementRefused):
        increment_decisions.propose(bot, by=None, slot=date(2026, 11, 1))
    with pytest.raises(IntegrityError), transaction.atomic():
        Increment.objects.create(bot=bot, slot=date(2026, 11, 1), size=1)


@pytest.mark.django_db(transaction=True)
def test_of_many_schedules_at_once_one_proposes() -> None:
    bot = ready()
    at_once, made = threading.Barrier(4), []

    def beat() -> None:
        at_once.wait()
        made.append(propose_due(bot, now=NOW))
        connection.close()

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 4
    assert sum(each is not None for each in made) == 1
    assert Increment.objects.get().items.count() == 3


@pytest.mark.django_db
def test_the_time_is_that_of_the_database() -> None:
    now = increment_schedule.database_now(ready())
    assert now.tzinfo is not None
    assert abs(now - timezone.now()) < timedelta(minutes=5)


@pytest.mark.django_db
def test_a_batch_is_opened_once_there_is_enough_to_look_at() -> None:
    bot = ready(2, size=40)
    assert propose_due(bot, now=NOW) is None
    for _ in range(2):
        proposal(bot)
    assert propose_due(bot, now=NOW) is not None


@pytest.mark.django_db
def test_a_bot_may_be_left_to_people() -> None:
    assert propose_due(ready(is_scheduled=False), now=NOW) is None


@pytest.mark.django_db
def test_who_asks_first_fills_the_period() -> None:
    bot = ready()
    slot = increment_schedule.free_slot(bot)
    assert slot is not None
    increment_decisions.propose(bot, by=None, slot=slot)
    over(bot)
    assert increment_schedule.free_slot(bot) is None
    assert propose_due(bot) is None


def test_periods_are_those_of_the_place(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    late = datetime(2026, 11, 30, 20, tzinfo=UTC)
    assert slot_of(late, 0) == date(2026, 12, 1)
    for days_later in range(14):
        now = late + timedelta(days=days_later)
        assert timedelta() <= now.date() + timedelta(days=1) - slot_of(now, 7) < timedelta(days=7)

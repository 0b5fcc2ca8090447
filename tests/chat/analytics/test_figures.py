"""Figures that can be recomputed by hand, and that other people's libraries agree with."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.analytics.asking import grouped
from chat.analytics.figures import (
    Mean,
    Percentiles,
    Share,
    change,
    percentile,
    percentiles,
    wilson,
)
from chat.analytics.periods import Period, Step

SECONDS = st.lists(st.floats(0, 1e6), min_size=1, max_size=300)
DAY = date(2026, 3, 30)


@given(SECONDS, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_percentiles_are_those_of_numpy(values: list[float], share: float) -> None:
    expected = np.percentile(values, 100 * share, method="inverted_cdf")

    assert percentile(values, share) == pytest.approx(float(expected))


@given(SECONDS)
def test_percentiles_are_in_order_and_were_measured(values: list[float]) -> None:
    found = percentiles(values)

    assert found.count == len(values)
    assert {found.p50, found.p95, found.p99} <= set(values)
    assert sorted([found.p50 or 0, found.p95 or 0, found.p99 or 0]) == [
        found.p50, found.p95, found.p99
    ]  # fmt: skip


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentiles([]) == Percentiles(0, None, None, None)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_are_those_of_scipy(counts: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    right, total = counts
    expected = binomtest(right, total).proportion_ci(0.95, method="wilson")

    assert wilson(right, total) == pytest.approx((expected.low, expected.high), abs=1e-5)


def test_no_share_is_not_zero_percent() -> None:
    assert Share(0, 4).percent == 0
    assert Share(3, 4).percent == 75
    assert Share().percent is None
    assert Share().interval == (0, 100)
    assert Mean(9, 2).value == 4.5
    assert Mean().value is None


@pytest.mark.parametrize(
    ("now", "before", "grown"),
    [(12, 10, 20), (5, 10, -50), (0, 10, -100), (3, 0, None), (None, 3, None), (3, None, None)],
)
def test_growth_needs_something_to_grow_from(
    now: float | None, before: float | None, grown: float | None
) -> None:
    assert change(now, before) == grown


# Periods


def test_a_period_counts_today_and_is_compared_with_as_many_days() -> None:
    week = Period.up_to(DAY, 7)

    assert (week.first, week.last) == (date(2026, 3, 24), DAY)
    assert week.before == Period(date(2026, 3, 17), date(2026, 3, 23))
    with pytest.raises(ValueError, match="before"):
        Period(DAY, DAY - timedelta(days=1))


def test_days_begin_where_people_are_even_when_clocks_change() -> None:
    """On 29 March the day in Berlin has 23 hours."""
    since, until = Period(date(2026, 3, 29), date(2026, 3, 29)).bounds(ZoneInfo("Europe/Berlin"))

    assert since.astimezone(UTC) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert until.astimezone(UTC) == datetime(2026, 3, 29, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "step", "columns"),
    [(1, Step.HOUR, 24), (7, Step.DAY, 7), (92, Step.DAY, 92), (93, Step.WEEK, 14)],
)
def test_columns_are_hours_days_or_weeks(days: int, step: Step, columns: int) -> None:
    period = Period.up_to(DAY, days)

    assert period.step == step
    assert len(list(period.columns())) == columns


@given(st.integers(1, 366), st.integers(0, 366 * 24 * 60))
def test_every_moment_of_a_period_is_in_one_of_its_columns(days: int, minutes: int) -> None:
    period = Period.up_to(DAY, days)
    moment = datetime.combine(period.first, datetime.min.time()) + timedelta(
        minutes=minutes % (days * 24 * 60)
    )

    assert period.column(moment) in set(period.columns())


# Questions


def test_wordings_that_differ_in_nothing_but_spelling_are_one_question() -> None:
    rows = [
        (1, "How long?", "curated", 2),
        (1, "how  LONG", "unsure", 5),
        (2, "How long?", "model", 9),
        (1, "?!", "model", 99),
        (1, "Why?", "cache", 1),
    ]

    found = grouped(rows, 3)

    assert [(each.bot, each.question, each.count, each.how) for each in found] == [
        (2, "How long?", 9, "model"),
        (1, "how  LONG", 7, "unsure"),
        (1, "Why?", 1, "cache"),
    ]
    assert len(grouped(rows, 1)) == 1

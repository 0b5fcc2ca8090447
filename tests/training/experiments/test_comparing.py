"""Intervals say what is not known, cover what they should, and claim nothing of too few."""

import numpy as np
import pytest

from training.experiments import comparing
from training.experiments.planning import plan
from training.experiments.verdicts import Arm, Reading, read


def test_a_share_of_none_is_unknown() -> None:
    found = comparing.shares(Arm(0, 0), Arm(3, 4))
    assert (found.champion.value, found.difference.value) == (None, None)
    assert found.challenger.value == 0.75


def test_intervals_of_shares_hold_their_value_and_widen_with_the_level() -> None:
    found = comparing.shares(Arm(60, 100), Arm(70, 100))
    wide = comparing.shares(Arm(60, 100), Arm(70, 100), level=0.999).difference
    for each in (found.champion, found.challenger, found.difference, wide):
        assert each.low is not None
        assert each.high is not None
        assert each.value is not None
        assert each.low < each.value < each.high
    assert wide.low is not None
    assert found.difference.low is not None
    assert wide.low < found.difference.low


@pytest.mark.parametrize("values", [[], [1.0] * 4, [2.0] * 9])
def test_too_few_and_constants_are_no_difference(values: list[float]) -> None:
    found = comparing.means(values, [1.0, 2, 3, 4, 5, 5])
    assert found.difference.value is None


def test_percentiles_cover_what_they_should() -> None:
    """95 of 100 intervals would hold the true median; fewer than 80 of 100 is no accident."""
    draws = np.random.default_rng(3)
    hits = 0
    for _ in range(40):
        one, other = (list(draws.exponential(size=120)) for _ in range(2))
        found = comparing.percentiles(one, other, 50).difference
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0 <= found.high
    assert hits >= 32


def test_the_same_values_have_the_same_interval() -> None:
    one, other = [1.0, 2, 3, 4, 5, 9], [2.0, 3, 4, 5, 6, 8]
    assert comparing.percentiles(one, other, 95) == comparing.percentiles(one, other, 95)


def test_between_looks_the_interval_shows_no_difference_that_no_look_may_find() -> None:
    """Two alike, read after every pair: an interval at 95 % would leave zero in a third of them."""
    planned = plan(0.6, 0.2)
    draws = np.random.default_rng(5)
    left = 0
    for _ in range(20):
        one, other = (draws.random(planned.per_arm) < 0.6 for _ in range(2))
        left += any(
            not _holds_zero(read(planned, (), (_arm(one, size), _arm(other, size))))
            for size in range(10, planned.size_of(1) + 1, 2)
        )
    assert left == 0


def _arm(outcomes: "np.ndarray[tuple[int], np.dtype[np.bool_]]", size: int) -> Arm:
    return Arm(int(outcomes[:size].sum()), size)


def _holds_zero(found: Reading) -> bool:
    assert found.low is not None
    assert found.high is not None
    return found.low <= 0 <= found.high

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.intervals import by_group, percentile, wilson


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        # Newcombe (1998), table 1.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilson_is_as_published(right: int, total: int, low: float, high: float) -> None:
    assert wilson(right, total) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_share_is_inside(counts: tuple[int, int]) -> None:
    right, total = counts
    low, high = wilson(right, total)
    assert 0 <= low <= right / total <= high <= 1


def test_groups_that_are_right_together_are_less_sure() -> None:
    together = {str(each): [each % 2 == 0] * 20 for each in range(10)}
    apart = {str(each): [True, False] * 10 for each in range(10)}
    assert by_group(apart) == (0.5, 0.5)
    low, high = by_group(together)
    assert low < 0.3
    assert high > 0.7
    assert by_group(together) == (low, high)
    assert by_group({}) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([], 0.5, None),
        ([3.0], 0.99, 3.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        ([float(each) for each in range(1, 101)], 0.95, 95.0),
        ([float(each) for each in range(1, 101)], 0.99, 99.0),
    ],
)
def test_percentile_is_a_value_that_was_measured(
    values: list[float], share: float, found: float | None
) -> None:
    assert percentile(values, share) == found

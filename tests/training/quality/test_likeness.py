"""Texts that are nearly the same: all of them are found, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.quality.likeness import NEARLY_THE_SAME, clusters, grams, pairs


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How long does delivery take?", "how long does delivery take"),
        ("How long does delivery take?", "how long does delivery takes"),
        ("Where is my parcel [ORDER_1]?", "Where is my parcel [ORDER_2]?"),
        ("cancel {{Order Number}} please", "cancel please"),
        ("打开过的茶可以退吗", "打开过的茶可以退吗？？"),
    ],
)
def test_nearly_the_same_words_are_one_cluster(one: str, other: str) -> None:
    assert clusters([one, "Something else", other]) == [0, 1, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How long does delivery take?", "How much does delivery cost?"),
        ("Can I return a tea?", "Can I return a lamp?"),
        ("打开过的茶可以退吗", "打开过的灯能换吗"),
        ("cancel order {{Order Number}}", "change order {{Order Number}}"),
    ],
)
def test_other_words_are_other_clusters(one: str, other: str) -> None:
    assert clusters([one, other]) == [0, 1]


def test_what_is_alike_over_others_is_one_cluster() -> None:
    chain = ["abcdefghijklmnop", "abcdefghijklmnopqr", "abcdefghijklmnopqrstu"]

    assert [(each.first, each.second) for each in pairs(chain)] == [(0, 1), (1, 2)]
    assert clusters(chain) == [0, 0, 0]
    assert clusters(chain[::-1]) == [0, 0, 0]


@given(st.lists(st.text("ab茶叶", min_size=1, max_size=9), max_size=12))
def test_no_pair_is_missed(texts: list[str]) -> None:
    sets = [grams(each) for each in texts]
    expected = {
        (first, second)
        for second in range(len(texts))
        for first in range(second)
        if len(sets[first] & sets[second]) >= NEARLY_THE_SAME * len(sets[first] | sets[second])
    }

    found = [(each.first, each.second) for each in pairs(texts)]

    assert set(found) == expected
    assert len(found) == len(expected)

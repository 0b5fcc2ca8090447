"""Splits: no wording is in two of them, and every answer is learnt."""

import random
from collections import Counter, defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.rows import dialogue, pair
from training.frozen import FrozenRow
from training.quality import likeness
from training.quality.splitting import split, wording

WORDS = [
    "tea",
    "lamp",
    "post",
    "bill",
    "jar",
    "leaf",
    "cup",
    "pot",
    "box",
    "tin",
    "sun",
    "ice",
    "fog",
    "owl",
    "map",
]


def many(groups: int, questions: int, seed: int = 1) -> list[FrozenRow]:
    chance = random.Random(seed)
    return [
        pair(" ".join(chance.sample(WORDS, 5)), group=f"g{group}")
        for group in range(groups)
        for _question in range(questions)
    ]


def test_a_tenth_is_to_measure_with_and_a_tenth_to_choose_by_in_every_group() -> None:
    rows = split(many(6, 20))

    for group in range(6):
        counts = Counter(row.split for row in rows if row.group == f"g{group}")
        assert counts == {"train": 16, "dev": 2, "test": 2}


def test_of_small_groups_a_tenth_is_taken_over_all_of_them() -> None:
    counts = Counter(row.split for row in split(many(100, 3)))

    assert 20 <= counts["test"] <= 40
    assert 20 <= counts["dev"] <= 40


def test_a_group_of_one_is_learnt() -> None:
    assert {row.split for row in split(many(50, 1))} == {"train"}


def test_splits_depend_on_nothing_but_the_rows() -> None:
    rows = many(10, 10)
    shuffled = random.Random(2).sample(rows, len(rows))

    def by_question(some: list[FrozenRow]) -> dict[str, tuple[str, str]]:
        return {row.question: (row.cluster, row.split) for row in split(some)}

    assert by_question(rows) == by_question(shuffled)


def test_a_wording_that_two_answers_share_is_never_measured_with() -> None:
    rows = [*many(20, 10), *(replace(row, group="other") for row in many(20, 10))]

    assert {row.split for row in split(rows)} == {"train"}


def test_dialogues_and_unknown_topics_are_split_among_themselves() -> None:
    rows = [
        *(dialogue(row.question, "and then?", group=row.group) for row in many(10, 10)),
        *(replace(row, group="", hands_over=True) for row in many(10, 9, seed=2)),
        *many(10, 10, seed=3),
    ]

    counts = Counter((row.is_dialogue, row.hands_over, row.split) for row in split(rows))

    assert counts[True, False, "test"] == counts[False, False, "test"] == 10
    assert 9 <= counts[False, True, "test"] <= 10


def test_splits_that_the_data_brought_are_kept() -> None:
    rows = many(4, 10)
    forced = ["test" if place % 3 == 0 else "" for place in range(len(rows))]

    divided = split(rows, forced)

    assert all(row.split == "test" for row, name in zip(divided, forced, strict=True) if name)


def test_a_forced_split_takes_its_whole_cluster_along() -> None:
    rows = [pair("How long does delivery take?"), pair("how long does delivery take", "g2")]

    assert [row.split for row in split(rows, ["test", ""])] == ["test", "test"]


def test_splits_that_tear_a_wording_apart_are_not_followed() -> None:
    rows = [pair("How long does delivery take?"), pair("how long does delivery take")]

    assert [row.split for row in split(rows, ["test", "train"])] == ["train", "train"]
    assert [row.split for row in split(rows, ["test", "dev"])] == ["train", "train"]


@st.composite
def some_rows(draw: st.DrawFn) -> tuple[list[FrozenRow], list[str]]:
    questions = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
    groups = st.sampled_from(["", "a", "b", "c"])
    row = st.one_of(
        st.builds(
            pair, questions, groups, st.sampled_from(["en", "zh-hans"]), hands_over=st.booleans()
        ),
        st.builds(dialogue, questions, questions, group=groups),
    )
    rows = draw(st.lists(row, min_size=1, max_size=40))
    forced = draw(
        st.lists(
            st.sampled_from(["", "", "", "train", "dev", "test"]),
            min_size=len(rows), max_size=len(rows),
        )
    )  # fmt: skip
    return rows, forced


@settings(max_examples=40)
@given(some_rows())
def test_no_wording_is_in_two_splits(these: tuple[list[FrozenRow], list[str]]) -> None:
    rows, forced = these
    divided = split(rows, forced)

    assert [replace(row, cluster="", split="train") for row in divided] == rows
    splits = defaultdict(set)
    for row in divided:
        splits[row.cluster].add(row.split)
    assert all(len(each) == 1 for each in splits.values())
    for near in likeness.pairs([wording(row) for row in divided]):
        first, second = divided[near.first], divided[near.second]
        if first.is_dialogue is second.is_dialogue:
            assert first.split == second.split


@settings(max_examples=40)
@given(some_rows())
def test_every_group_that_may_be_learnt_is(these: tuple[list[FrozenRow], list[str]]) -> None:
    rows, _forced = these
    divided = split(rows)

    groups = {(row.locale, row.group) for row in rows if row.group}
    assert groups == {
        (row.locale, row.group) for row in divided if row.group and row.split == "train"
    }

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.trainer.batching import batches, parts

LENGTHS = st.lists(st.integers(1, 500), min_size=1, max_size=300)


@given(LENGTHS, st.integers(1, 16), st.integers(0, 9), st.integers(1, 3))
def test_every_example_is_seen_once_each_epoch(
    lengths: list[int], size: int, seed: int, epochs: int
) -> None:
    made = batches(lengths, size, seed=seed, epochs=epochs)
    seen = Counter(place for batch in made for place in batch)
    assert seen == Counter(dict.fromkeys(range(len(lengths)), epochs))
    assert all(0 < len(batch) <= size for batch in made)


@given(LENGTHS, st.integers(0, 9))
def test_same_seed_gives_the_same_order(lengths: list[int], seed: int) -> None:
    assert batches(lengths, 4, seed=seed, epochs=2) == batches(lengths, 4, seed=seed, epochs=2)


def test_epochs_have_their_own_order() -> None:
    made = batches([1] * 64, 64, seed=1, epochs=2)
    assert made[0] != made[1]


def test_part_of_an_epoch_takes_that_share() -> None:
    made = batches([1] * 100, 10, seed=1, epochs=1.5)
    assert sum(len(batch) for batch in made) == 150


def test_batches_pad_little() -> None:
    lengths = [10 + 37 * place % 400 for place in range(960)]
    made = batches(lengths, 8, seed=1, epochs=1)
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in made)
    assert padded < 1.1 * sum(lengths)


def test_short_examples_do_not_come_first() -> None:
    lengths = list(range(1, 961))
    made = batches(lengths, 8, seed=1, epochs=1)
    first = [lengths[i] for batch in made[: len(made) // 2] for i in batch]
    assert sum(first) / len(first) == pytest.approx(480, rel=0.2)


@given(LENGTHS, st.integers(0, 1500))
def test_parts_of_a_batch_fit_and_leave_nothing_out(lengths: list[int], tokens: int) -> None:
    batch = list(range(len(lengths)))
    made = parts(batch, lengths, tokens)
    assert sorted(place for part in made for place in part) == batch
    if not tokens:
        assert len(made) == 1
        return
    for part in made:
        assert len(part) == 1 or len(part) * max(lengths[place] for place in part) <= tokens

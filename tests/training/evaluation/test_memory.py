import random
from collections.abc import Sequence

import pytest

from training.evaluation import memory
from training.evaluation.memory import Canary


def knows(secret: str, surprise: float = 0.0) -> memory.Score:
    """A score that finds ``secret`` likelier than any other, or less likely."""
    return lambda _, endings: [surprise if each == secret else -1.0 for each in endings]


@pytest.mark.parametrize(("likelihood", "bits"), [(0.0, 9.0), (-2.0, 0.0)])
def test_exposure_is_the_place_among_the_others(likelihood: float, bits: float) -> None:
    canary = Canary("The code is", "123456")
    found = memory.exposure(canary, knows("123456", likelihood), random.Random(1))
    assert found == pytest.approx(bits, abs=0.01)


def test_a_model_that_knows_nothing_has_the_exposure_of_chance() -> None:
    draw = random.Random(5)

    def score(_: str, endings: Sequence[str]) -> list[float]:
        return [draw.random() for _ in endings]

    (found,) = memory.probe(memory.make(60), write=lambda _: "000000", score=score)
    assert found.extracted == 0
    assert found.mean_exposure == pytest.approx(1.44, abs=0.6)
    assert found.is_safe


def test_what_stood_there_once_must_not_be_recited() -> None:
    once, often = memory.make(1), memory.make(1, copies=16, seed=4)
    found = memory.probe(
        [*once, *often], write=lambda beginning: f"{once[0].secret} {often[0].secret}"
    )
    assert [(each.copies, each.extracted, each.is_safe) for each in found] == [
        (1, 1, False),
        (16, 1, True),
    ]
    assert found[0].mean_exposure is None


def test_exposed_canaries_are_not_safe_though_none_is_written() -> None:
    (canary,) = memory.make(1)
    (found,) = memory.probe([canary], write=lambda _: "", score=knows(canary.secret))
    assert not found.is_safe
    assert found.as_json()["is_safe"] is False


def test_secrets_differ_and_repeat_with_the_seed() -> None:
    assert memory.make(20) == memory.make(20)
    assert len({each.secret for each in memory.make(20)}) == 20
    assert memory.probe([], write=lambda _: "") == []

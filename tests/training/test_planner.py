"""Predictions are arithmetic: these are the sums."""

from dataclasses import replace

import pytest

from training.planner import Calibration, Machine, Work, plan

GIBIBYTE = 1024**3
WORK = Work(
    examples=1000,
    tokens=120_000,
    passes=1.0,
    steps=125,
    held_out=300,
    weights_bytes=GIBIBYTE // 2,
    checkpoint_bytes=GIBIBYTE,
)
SPEED = Calibration(tokens_per_second=200.0, peak_memory_bytes=2 * GIBIBYTE, load_seconds=30.0)
MACHINE = Machine(memory_bytes=4 * GIBIBYTE, disk_bytes=10 * GIBIBYTE)


def test_minutes_are_tokens_over_speed_and_what_comes_after() -> None:
    found = plan(WORK, SPEED, MACHINE)
    assert found.training_minutes == pytest.approx((30 + 600) / 60)
    assert found.minutes == pytest.approx((30 + 600 + 30 + 300) / 60)
    assert found.refusals == ()


def test_more_passes_take_longer() -> None:
    twice = plan(replace(WORK, passes=2.0), SPEED, MACHINE)
    assert twice.training_minutes == pytest.approx((30 + 1200) / 60)


def test_nothing_is_said_of_what_was_not_measured() -> None:
    found = plan(WORK, None, MACHINE)
    assert (found.minutes, found.memory_bytes, found.refusals) == (None, None, ())


@pytest.mark.parametrize(
    ("work", "machine", "refusals"),
    [
        (replace(WORK, examples=0), MACHINE, ("no_examples",)),
        (WORK, replace(MACHINE, memory_bytes=2 * GIBIBYTE), ("memory",)),
        (WORK, replace(MACHINE, disk_bytes=3 * GIBIBYTE), ("disk",)),
        (WORK, Machine(0, 0), ("memory", "disk")),
    ],
)
def test_what_cannot_fit_is_refused(
    work: Work, machine: Machine, refusals: tuple[str, ...]
) -> None:
    assert plan(work, SPEED, machine).refusals == refusals

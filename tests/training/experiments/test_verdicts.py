"""Experiments find what is there, and no winner by chance however often anybody looks."""

from itertools import pairwise

import numpy as np
import pytest

from training.experiments.boundaries import boundaries, obrien_fleming, pocock
from training.experiments.planning import ImpossibleEffect, Plan, plan
from training.experiments.verdicts import Arm, Verdict, read, statistic

PLAN = plan(0.6, 0.1)


def outcomes(rate: float, *seed: int) -> tuple[bool, ...]:
    draws = np.random.default_rng(seed).random(PLAN.per_arm)
    return tuple((draws < rate).tolist())


def ended(champion: tuple[bool, ...], challenger: tuple[bool, ...]) -> tuple[Verdict, int]:
    """The verdict of an experiment that is read after every single conversation."""
    looks: list[tuple[Arm, Arm]] = []
    for count in range(1, PLAN.per_arm + 1):
        if PLAN.look_at(count) == len(looks):
            continue
        looks.append((Arm(sum(champion[:count]), count), Arm(sum(challenger[:count]), count)))
        found = read(PLAN, tuple(looks), looks[-1])
        if found.verdict is not Verdict.RUNNING:
            return found.verdict, len(looks)
    raise AssertionError("it never ended")


def share(verdict: Verdict, champion: float, challenger: float, times: int = 300) -> float:
    found = [
        ended(outcomes(champion, seed, 1), outcomes(challenger, seed, 2))[0]
        for seed in range(times)
    ]
    return found.count(verdict) / times


def test_published_boundaries_are_met() -> None:
    """Jennison and Turnbull, table 2.3 (O'Brien-Fleming type, five looks, two-sided 5 %)."""
    found = boundaries(0.025, 5, obrien_fleming)
    assert found == pytest.approx((4.877, 3.357, 2.680, 2.290, 2.031), abs=0.005)


def test_all_alpha_is_spent_at_the_end() -> None:
    assert obrien_fleming(0.025, 1.0) == pytest.approx(0.025)
    assert pocock(0.05, 1.0) == pytest.approx(0.05)


def test_without_a_difference_hardly_any_winner_is_declared() -> None:
    assert share(Verdict.WINNER, 0.6, 0.6) <= 0.05


def test_ten_points_are_found_with_the_planned_sample() -> None:
    assert share(Verdict.WINNER, 0.6, 0.7) >= 0.78


def test_harm_of_ten_points_stops_it() -> None:
    assert share(Verdict.HARM, 0.6, 0.5) >= 0.78


def test_great_harm_stops_it_at_the_first_look() -> None:
    assert ended(outcomes(0.6, 1), outcomes(0.3, 2)) == (Verdict.HARM, 1)


def test_between_two_looks_nothing_is_decided() -> None:
    overwhelming = (Arm(10, 100), Arm(100, 100))
    found = read(Plan(0.6, 0.1, 1000), (), overwhelming)
    assert found.verdict is Verdict.RUNNING
    assert found.needed == 100
    assert found.difference == pytest.approx(0.9)


def test_looks_come_in_equal_steps_and_end() -> None:
    sizes = [PLAN.size_of(look) for look in range(1, PLAN.looks + 1)]
    assert sizes[-1] == PLAN.per_arm
    assert all(PLAN.look_at(size) == look for look, size in enumerate(sizes, 1))
    steps = [after - before for before, after in pairwise(sizes)]
    assert max(steps) - min(steps) <= 1
    assert PLAN.look_at(10 * PLAN.per_arm) == PLAN.looks


@pytest.mark.parametrize(
    ("champion", "challenger"),
    [
        (Arm(0, 0), Arm(0, 0)),
        (Arm(0, 9), Arm(0, 9)),
        (Arm(9, 9), Arm(9, 9)),
        (Arm(0, 0), Arm(3, 5)),
    ],
)
def test_where_nothing_varies_nothing_is_claimed(champion: Arm, challenger: Arm) -> None:
    assert statistic(champion, challenger) == 0.0
    read(PLAN, ((champion, challenger),), (champion, challenger))


@pytest.mark.parametrize(("base", "effect"), [(0.0, 0.1), (0.95, 0.1), (0.5, 0.0), (0.5, -0.1)])
def test_an_impossible_effect_is_refused(base: float, effect: float) -> None:
    with pytest.raises(ImpossibleEffect):
        plan(base, effect)


def test_a_smaller_effect_needs_more_customers() -> None:
    assert plan(0.6, 0.05).per_arm > 3 * PLAN.per_arm

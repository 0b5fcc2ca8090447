"""The learning curve finds a known law again, and says neither more nor less than it knows."""

import numpy as np
import pytest

from training.evaluation.learning_curve import fit

SIZES = (200, 400, 800, 1600, 3200)


def _points(a: float, b: float, c: float) -> list[tuple[int, float]]:
    return [(n, a - b * n**-c) for n in SIZES]


@pytest.mark.parametrize("law", [(0.95, 3.0, 0.5), (0.9, 1.0, 0.3), (0.98, 5.0, 0.7)])
def test_a_known_law_is_found_again(law: tuple[float, float, float]) -> None:
    a, b, c = law
    curve = fit(_points(*law))
    assert curve.at(5000) == pytest.approx(a - b * 5000**-c, abs=0.002)
    assert curve.next_gain is not None
    assert curve.next_gain.value == pytest.approx(b * (3200**-c - 3300**-c), abs=0.0005)


def test_the_interval_holds_the_gain_as_often_as_it_says_with_four_models() -> None:
    a, b, c = 0.95, 3.0, 0.5
    gain = b * (1600**-c - 1700**-c)
    noise = np.random.default_rng(7).normal(0, 0.004, (200, 4))
    held = 0
    for row in noise:
        curve = fit([(n, a - b * n**-c + off) for n, off in zip(SIZES[:4], row, strict=True)])
        assert curve.next_gain is not None
        held += curve.next_gain.low <= gain <= curve.next_gain.high
    assert 0.9 * len(noise) <= held <= 0.99 * len(noise)


def test_two_sizes_tell_nothing() -> None:
    assert fit([(200, 0.7), (400, 0.8), (400, 0.81)]).verdict == "too_few"


def test_a_flat_end_makes_more_data_pointless() -> None:
    assert fit(_points(0.9, 60.0**0.5, 1.0)).verdict == "pointless"


def test_a_steep_curve_is_worth_more_data() -> None:
    assert fit([(n, 0.95 - 3 * n**-0.5) for n in (100, 200, 400)]).verdict == "worth_it"


def test_noise_is_not_taken_for_a_flat_end() -> None:
    noisy = [(200, 0.80), (400, 0.90), (800, 0.78), (1600, 0.91)]
    assert fit(noisy).verdict == "worth_it"

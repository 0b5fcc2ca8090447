"""Confidence: between 0 and 1, higher for better evidence, and true to what was judged."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.knowledge.confidence import DEFAULT_WEIGHTS, Evidence, confidence, constant, fit

NUMBERS = st.floats(-1e6, 1e6)


@given(NUMBERS, NUMBERS, NUMBERS, st.lists(st.floats(max_value=0, allow_nan=False)))
def test_it_is_a_probability(score: float, rank: float, margin: float, logs: list[float]) -> None:
    assert 0 <= confidence(Evidence(score, rank, margin, tuple(logs))) <= 1


def test_nearer_clearer_and_surer_words_raise_it() -> None:
    weak = Evidence(0.86, 0.4, 0.02, (-2.0, -3.0))
    strong = Evidence(0.95, 1.3, 0.6, (-0.01, -0.02))
    assert confidence(weak) < 0.5 < confidence(strong)


def test_no_token_can_make_an_answer_surer_than_certain_ones() -> None:
    certain = confidence(Evidence(0.9, 1.0, 0.3))
    assert confidence(Evidence(0.9, 1.0, 0.3, (-0.1, -0.5))) <= certain
    assert all(weight >= 0 for weight in DEFAULT_WEIGHTS.weights[:5])


def test_opposite_of_what_was_asked_is_not_believed_before_it_was_judged() -> None:
    near = Evidence(0.97, 1.6, 0.6, (-0.01,))
    assert confidence(near) > 0.5
    assert confidence(replace(near, is_opposed=True)) < 0.3


def test_judged_answers_teach_how_much_opposition_counts() -> None:
    evidence = [Evidence(0.9, 1.0, 0.3, (-0.1,), is_opposed=n % 2 == 0) for n in range(60)]
    weights = fit(evidence, [not each.is_opposed for each in evidence])
    assert confidence(evidence[0], weights) < 0.2
    assert confidence(evidence[1], weights) > 0.8


def test_fitting_learns_which_evidence_counts() -> None:
    evidence = [Evidence(0.9, 1.0, n / 100, (-0.5,)) for n in range(100)]
    weights = fit(evidence, [each.margin > 0.4 for each in evidence])
    assert confidence(evidence[5], weights) < 0.3
    assert confidence(evidence[95], weights) > 0.7


@pytest.mark.parametrize("right", [0, 20])
def test_a_model_that_is_always_right_or_wrong_has_one_confidence(right: int) -> None:
    evidence = [Evidence(0.9, 1.0, n / 20) for n in range(20)]
    judged = [n < right for n in range(20)]
    weights = fit(evidence, judged)
    assert weights == constant(judged)
    assert confidence(evidence[0], weights) == pytest.approx((right + 1) / 22)

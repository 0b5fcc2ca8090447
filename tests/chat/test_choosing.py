"""What a model may name, weighed with what the index found."""

import math

import pytest

from chat.choosing import choices, likeliest
from chat.knowledge.index import Candidate


def candidate(answer: int, rank: float) -> Candidate:
    return Candidate(answer, "?", 0.9, rank, 3)


def test_every_question_and_nobody_can_be_named() -> None:
    made = choices([candidate(7, 1.5), candidate(3, 1.2)])
    assert [each.text for each in made] == ["1", "2", "0"]


def test_what_is_farther_needs_more_evidence_of_the_model() -> None:
    first, second, third, _ = choices([candidate(7, 1.5), candidate(3, 1.4), candidate(9, 0.2)])
    assert first.bias == 0 > second.bias > third.bias


def test_with_nothing_near_only_nobody_is_left() -> None:
    assert [each.text for each in choices([])] == ["0"]


def test_who_reads_lists_names_one_of_the_first_few_and_never_nobody() -> None:
    near = [candidate(number, 1.5 - number / 10) for number in range(5)]
    assert [each.text for each in choices(near[:1] + near[4:], "questions")] == ["1"]
    assert [each.text for each in choices(near, "questions")] == ["1", "2", "3"]
    assert choices(near, "words") == ()


def test_index_and_model_decide_together() -> None:
    near = choices([candidate(7, 1.5), candidate(3, 1.4)], "questions")
    assert likeliest(near, [-20.0, -20.0])[0] == "1"
    assert likeliest(near, [-20.0, -18.0])[0] == "1"
    assert likeliest(near, [-40.0, -20.0])[0] == "2"


@pytest.mark.parametrize("likelihoods", [[-20.0, -20.0, -20.0], [-900.0, -3.0, -5000.0]])
def test_how_likely_the_choice_is_among_the_others_is_told(likelihoods: list[float]) -> None:
    near = choices([candidate(number, 1.0) for number in range(3)], "questions")
    _, share = likeliest(near, likelihoods)
    assert math.log(1 / 3) - 1e-9 <= share <= 0

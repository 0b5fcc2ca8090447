"""What a model may name, weighed with what the index found."""

from chat.choosing import choices
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

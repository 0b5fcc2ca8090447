"""An approved answer is served as it is only when everything speaks for it."""

from dataclasses import replace

import pytest

from chat.knowledge.index import Candidate
from chat.knowledge.matching import Kind, Thresholds, decide, exact

THRESHOLDS = Thresholds(direct=0.98, rank=1.0, margin=0.3, near=0.8)
QUESTION = "How long does delivery take?"
BEST = Candidate(1, "How long will delivery take?", score=0.93, rank=1.4, wordings=6)
SECOND = Candidate(2, "How much is delivery?", score=0.9, rank=0.7, wordings=6)


def test_near_clear_and_agreeing_is_served() -> None:
    match = decide(QUESTION, [BEST, SECOND], THRESHOLDS)
    assert (match.kind, match.answer, match.objection) == (Kind.SEMANTIC, 1, "")
    assert [each.answer for each in match.near] == [1, 2]


@pytest.mark.parametrize(
    ("best", "second", "objection"),
    [
        (replace(BEST, rank=0.9), SECOND, "far"),
        (replace(BEST, wordings=2), SECOND, "far"),
        (BEST, replace(SECOND, rank=1.2), "margin"),
        (replace(BEST, question="Why does delivery not take long?"), SECOND, None),
    ],
)
def test_whatever_speaks_against_it_keeps_it_from_being_served(
    best: Candidate, second: Candidate, objection: str | None
) -> None:
    match = decide(QUESTION, [best, second], THRESHOLDS)
    assert match.answer is None
    assert match.near
    assert match.objection == objection if objection else match.objection


def test_with_few_wordings_only_a_cosine_close_to_one_counts() -> None:
    best = replace(BEST, wordings=1, score=0.99)
    assert decide(QUESTION, [best, SECOND], THRESHOLDS).answer == 1


def test_a_question_that_leans_on_the_one_before_is_never_served() -> None:
    match = decide(QUESTION, [BEST, SECOND], THRESHOLDS, leans=True)
    assert (match.answer, match.objection) == (None, "context")


def test_what_is_far_is_not_even_read() -> None:
    far = replace(BEST, score=0.7)
    match = decide(QUESTION, [far, SECOND], THRESHOLDS)
    assert (match.answer, match.near) == (None, ())


def test_nothing_known_means_nothing_found() -> None:
    match = decide(QUESTION, [], THRESHOLDS)
    assert (match.kind, match.near, match.score, match.margin) == (Kind.NONE, (), 0.0, 0.0)


def test_word_for_word_is_as_sure_as_it_gets() -> None:
    match = exact(7, QUESTION)
    assert (match.answer, match.score) == (7, 1.0)

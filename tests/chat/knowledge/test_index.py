"""Exact search: the nearest answers, whatever the wordings have in common otherwise."""

import numpy as np
import pytest

from chat.knowledge.embedding import Vectors, unit
from chat.knowledge.index import Index, Variant

RANDOM = np.random.default_rng(7)


def _library(answers: int, wordings: int, size: int = 16) -> tuple[Index, Vectors, list[Variant]]:
    """Each answer has a direction; wordings are scattered widely along a few others."""
    centres = RANDOM.normal(size=(answers, size))
    centres[:, :3] = 0
    noise = RANDOM.normal(size=(answers * wordings, size)) * 0.2
    noise[:, :3] *= 6
    vectors = unit(np.repeat(centres, wordings, axis=0) + noise)
    variants = [Variant(n // wordings + 100, f"question {n}") for n in range(answers * wordings)]
    texts = dict(zip(range(100, 100 + answers), unit(centres), strict=True))
    return Index(variants, vectors, texts, embedder="test"), vectors, variants


def test_a_wording_finds_its_own_answer_when_asked_as_it_stands() -> None:
    index, vectors, variants = _library(20, 5)
    for variant, vector in zip(variants, vectors, strict=True):
        best = index.nearest(vector, 3)[0]
        assert (best.answer, best.question) == (variant.answer, variant.question)
        assert best.score == pytest.approx(1.0, abs=1e-5)


def test_what_wordings_of_one_answer_differ_in_counts_less() -> None:
    index, vectors, variants = _library(30, 8)
    cosines = vectors @ vectors.T
    right = naive = 0
    for place, (variant, vector) in enumerate(zip(variants, vectors, strict=True)):
        found = index.nearest(vector, 1, without=[variant.question])
        right += found[0].answer == variant.answer
        cosines[place, place] = -1
        naive += variants[int(cosines[place].argmax())].answer == variant.answer
    assert right > naive
    assert right / len(variants) > 0.95


def test_a_wording_left_out_is_not_found() -> None:
    index, vectors, variants = _library(3, 1)
    found = index.nearest(vectors[0], 3, without=[variants[0].question])
    assert variants[0].answer not in {each.answer for each in found}


def test_without_a_wording_it_is_as_if_it_had_never_been_there() -> None:
    """Not even what it adds to its answer's centre may help: who learns or is judged without it would
    find more than customers do."""
    vectors = unit(RANDOM.normal(size=(24, 16)))
    variants = [Variant(n // 3, f"question {n}") for n in range(24)]
    texts = dict(enumerate(unit(RANDOM.normal(size=(8, 16)))))
    index = Index(variants, vectors, texts, embedder="test")
    never = Index(variants[1:], vectors[1:], texts, embedder="test")
    assert index.nearest(vectors[0], 8, without=["question 0"]) == never.nearest(vectors[0], 8)
    assert index.nearest(vectors[0], 8) != never.nearest(vectors[0], 8)


def test_candidates_come_best_first_and_each_answer_once() -> None:
    index, vectors, _ = _library(12, 4)
    found = index.nearest(vectors[0], 5)
    assert [each.rank for each in found] == sorted((each.rank for each in found), reverse=True)
    assert len({each.answer for each in found}) == 5


@pytest.mark.parametrize(("answers", "wordings"), [(1, 1), (1, 6), (2, 1), (40, 1)])
def test_small_libraries_work(answers: int, wordings: int) -> None:
    index, vectors, variants = _library(answers, wordings)
    found = index.nearest(vectors[-1], 50)
    assert len(found) == answers
    assert found[0].answer == variants[-1].answer
    assert all(np.isfinite(each.rank) for each in found)


def test_an_empty_library_finds_nothing() -> None:
    index = Index([], np.empty((0, 0), np.float32), {}, embedder="test")
    assert index.nearest(np.ones(16, np.float32), 5) == []


def test_vectors_and_variants_have_to_agree() -> None:
    with pytest.raises(ValueError, match="2 variants and 1 vectors"):
        Index(
            [Variant(1, "a"), Variant(1, "b")],
            np.ones((1, 4), np.float32),
            {1: np.ones(4, np.float32)},
            embedder="test",
        )


def test_follow_up_is_found_by_what_it_says_and_what_was_said_before_it() -> None:
    index, vectors, variants = _library(20, 5)
    alone, before = vectors[0], vectors[50]
    joined = unit((alone + 3 * before)[None, :])[0]
    of_before = variants[50].answer
    ranks = {each.answer: each.rank for each in index.nearest(alone, 20)}
    both = {each.answer: each.rank for each in index.nearest(alone, 20, joined=joined)}
    assert both[of_before] > ranks[of_before], "what was said before counts, too"


def test_answer_that_was_given_comes_after_another_one_that_is_near() -> None:
    index, vectors, variants = _library(20, 5)
    alone, before = vectors[0], vectors[50]
    joined = unit((alone + 3 * before)[None, :])[0]
    given = variants[50].answer
    first = index.nearest(alone, 20, joined=joined, given=[given])[0]
    assert first.answer == variants[0].answer
    assert any(each.answer == given for each in index.nearest(alone, 20, joined=joined))

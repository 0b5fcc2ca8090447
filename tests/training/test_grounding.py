"""Examples are what serving reads, without the question's own wording, and sometimes without help."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import prompts
from chat.knowledge.index import Candidate
from chat.prompts import Knowledge, Prompt
from tests.training.rows import dialogue, pair
from training.grounding import Grounded, Wordings, chosen, prepared
from training.trainer.recipe import Data

WORDINGS = Wordings(
    instructions=lambda locale: f"Be brief ({locale}).",
    hand_over=lambda locale: f"A person? ({locale})",
    answer=lambda pk: f"Answer {pk}.",
)
NEAR = tuple(Candidate(pk, f"Question {pk}?", 0.9, 1.5 - pk / 10, 5) for pk in (1, 2, 3, 4))


def known(right: int, question: str = "How?") -> Grounded:
    return Grounded(pair(question, answer=f"Answer {right}."), NEAR, right)


def unknown(question: str = "Why?") -> Grounded:
    return Grounded(pair(question, hands_over=True, answer="A person? (en)"), NEAR, None)


def free() -> Grounded:
    return Grounded(pair("Thanks!", answer="You are welcome."), NEAR, None, is_free=True)


def test_prompt_is_the_one_of_serving() -> None:
    example = prepared(known(2), Data(style="number", candidates=3), WORDINGS)
    served = Prompt(
        "Be brief (en).",
        ({"role": "user", "content": "How?"},),
        tuple(Knowledge(each.question, f"Answer {each.answer}.") for each in NEAR[:3]),
        style="number",
    )
    assert list(example.messages) == prompts.build(served)


@pytest.mark.parametrize(("right", "number"), [(1, "1"), (3, "3"), (4, "0")])
def test_number_is_that_of_the_right_answer_or_nobody(right: int, number: str) -> None:
    assert prepared(known(right), Data(style="number", candidates=3), WORDINGS).target == number


def test_unknown_question_hands_over_in_both_styles() -> None:
    assert prepared(unknown(), Data(style="number"), WORDINGS).target == "0"
    assert prepared(unknown(), Data(style="words"), WORDINGS).target == "A person? (en)"


def test_words_are_the_approved_ones_with_their_rivals() -> None:
    example = prepared(known(2), Data(style="words", candidates=3), WORDINGS)
    assert example.target == "Answer 2."
    assert example.rivals == ("Answer 1.", "Answer 3.")
    assert "Answer 1." in example.messages[0]["content"]


def test_plain_style_reads_nothing() -> None:
    example = prepared(known(2), Data(style="plain"), WORDINGS)
    assert [each["content"] for each in example.messages] == ["Be brief (en).", "How?"]
    assert example.target == "Answer 2."


def test_without_the_right_answer_the_model_learns_to_hand_over() -> None:
    data = Data(style="number", without_right_share=1.0, candidates=3)
    example = prepared(known(2), data, WORDINGS, draw=random.Random(1))
    assert example.target == "0"
    assert "Question 2?" not in example.messages[-1]["content"]
    assert "Question 4?" in example.messages[-1]["content"], "the next one takes its place"


def test_held_out_examples_keep_the_right_answer() -> None:
    data = Data(style="number", without_right_share=1.0)
    assert prepared(known(2), data, WORDINGS).target == "2"


def test_earlier_turns_stay_in_the_prompt() -> None:
    row = dialogue("To Spain?", "And to Norway?", answer="Answer 2.")
    example = prepared(Grounded(row, NEAR, 2), Data(style="number"), WORDINGS)
    assert [each["role"] for each in example.messages] == ["system", "user", "assistant", "user"]
    assert example.messages[-1]["content"].startswith("And to Norway?\n")


def test_small_talk_is_learned_in_words_and_never_as_a_number() -> None:
    rows = [free(), known(1), known(2)]
    assert len(chosen(rows, Data(style="words"), 1)) == 3
    assert all(not each.is_free for each in chosen(rows, Data(style="number"), 1))
    assert prepared(free(), Data(style="words"), WORDINGS).target == "You are welcome."


@given(
    st.integers(0, 60), st.integers(1, 60), st.integers(0, 9), st.integers(0, 80), st.integers(0, 5)
)
def test_sample_keeps_its_size_and_shares(
    hard: int, easy: int, unsure: int, size: int, seed: int
) -> None:
    rows = [known(3, f"hard {n}") for n in range(hard)]
    rows += [known(1, f"easy {n}") for n in range(easy)]
    rows += [unknown(f"unknown {n}") for n in range(unsure)]
    data = Data(style="number", examples=size, hard_share=0.4, unknown_share=0.2)
    picked = chosen(rows, data, seed)
    assert picked == chosen(rows, data, seed)
    if size:
        assert len(picked) <= size
        wanted = round(0.2 * size) if unsure else 0
        assert sum(each.row.hands_over for each in picked) == wanted
        assert sum(each.is_hard for each in picked) >= min(hard, round(0.4 * size))
    else:
        assert {each.row.question for each in picked if not each.row.hands_over} == {
            each.row.question for each in rows if not each.row.hands_over
        }

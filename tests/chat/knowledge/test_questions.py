"""What counts as the same question, word for word, and what leans on what was said before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.knowledge.questions import as_typed, language, leans_on_context, normalized


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How long does delivery take?", "how long does delivery take"),
        ("Can’t I cancel?", "can't i CANCEL ?!"),
        ("Do you ship to  Norway", "Do you ship to Norway…"),
        ("多久可以送到？", "多久 可以送到"),
        ("發票怎麼開？", "发票怎么开"),
        ("ＡＢＣ１２３", "abc123"),
        ("café", "cafe"),
    ],
)
def test_writing_habits_make_no_difference(one: str, other: str) -> None:
    assert normalized(one) == normalized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I paid 1.5 euros", "I paid 15 euros"),
        ("Is C++ supported?", "Is C supported?"),
        ("5% off?", "5 off?"),
        ("open 9-17?", "open 917?"),
        ("can I cancel", "can't I cancel"),
        ("👍", "👎"),
        ("能退吗", "不能退吗"),
        ("re start", "restart"),
    ],
)
def test_signs_that_mean_something_stay(one: str, other: str) -> None:
    assert normalized(one) != normalized(other)


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalized(normalized(text)) == normalized(text)


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    leans_on_context(text)
    assert language(text, "en") in ("en", "zh-hans")


@pytest.mark.parametrize(
    "question",
    [
        "And to Norway?",
        "How much is it?",
        "what about this one",
        "why?",
        "那运费呢",
        "它多少钱",
        "还有别的吗",
        "?",
    ],
)
def test_questions_that_lean_on_what_was_said(question: str) -> None:
    assert leans_on_context(question)


@pytest.mark.parametrize(
    "question",
    [
        "How long does delivery take?",
        "Do you deliver to Norway?",
        "多久可以送到？",
        "打开过的茶可以退吗",
    ],
)
def test_questions_that_stand_alone(question: str) -> None:
    assert not leans_on_context(question)


@pytest.mark.parametrize(
    ("question", "default", "expected"),
    [
        ("多久可以送到？", "en", "zh-hans"),
        ("How long does delivery take?", "zh-hans", "en"),
        ("DHL", "zh-hans", "zh-hans"),
        ("iPhone 15 的壳", "en", "zh-hans"),
    ],
)
def test_the_language_is_that_of_the_question(question: str, default: str, expected: str) -> None:
    assert language(question, default) == expected


@pytest.mark.parametrize("other", ["Which соlour", "Which\u200b colour", "Which colour\U000e0061"])
def test_what_a_model_may_read_is_part_of_the_key_for_its_answers(other: str) -> None:
    assert as_typed("Which colour?") == as_typed("which  COLOUR")
    assert as_typed("Which colour?") != as_typed(other)

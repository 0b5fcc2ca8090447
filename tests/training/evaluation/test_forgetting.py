from collections import Counter

import pytest

from training.evaluation import forgetting
from training.evaluation.forgetting import General

TWO = General("en", "What is two plus two?", (r"\b4\b", r"\bfour\b"))


def test_both_languages_have_a_few_dozen_questions() -> None:
    counts = Counter(each.locale for each in forgetting.questions())
    assert counts == {"en": 20, "zh-hans": 20}


@pytest.mark.parametrize(
    ("answer", "right"), [("It is 4.", True), ("FOUR!", True), ("44", False), ("", False)]
)
def test_an_answer_is_right_when_it_holds_a_pattern(answer: str, right: bool) -> None:
    assert TWO.is_right(answer) == right


def test_what_only_the_base_knew_is_forgotten() -> None:
    ice = General("en", "What is frozen water called?", (r"\bice\b",))
    base = {TWO.question: "4", ice.question: "glass"}
    tuned = {TWO.question: "2", ice.question: "ice"}
    found = forgetting.try_out(base.__getitem__, tuned.__getitem__, [TWO, ice])
    assert (found.asked, found.base_right, found.tuned_right) == (2, 1, 1)
    assert found.forgotten == (TWO.question,)
    assert found.learned == (ice.question,)

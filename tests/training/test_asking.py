"""Lists of what customers ask who need an answer: every wording once, none that is held out."""

import random
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chat import prompts
from chat.inference.tokenizer import ChatTokenizer
from chat.knowledge.questions import normalized
from training.asking import LINES, Asked, ending_with, learnable, lists
from training.trainer.examples import Prepared

WORDINGS = st.lists(st.text("ab?! \n退货", max_size=6), max_size=40)


def asked(count: int, name: str = "a") -> Asked:
    return Asked(f"Answer {name}.", "en", tuple(f"question {name} {n}" for n in range(count)))


def answers(found: list[Prepared]) -> Counter[str]:
    return Counter(each.messages[0]["content"].splitlines()[0][-2] for each in found)


def test_a_list_follows_its_approved_answer_and_its_last_line_ends() -> None:
    [english] = lists([Asked("Two\ndays.", "en", ("How  long\nis it? ",))], most=0, seed=1)
    assert english.messages == (
        {
            "role": "user",
            "content": "Approved answer: Two\ndays.\n"
            "Write what customers ask who need it, one question a line.",
        },
    )
    assert english.target == "How long is it?\n"
    [chinese] = lists([Asked("{两天}", "zh-hans", ("多久？",))], most=0, seed=1)
    assert chinese.messages[0]["content"] == (
        "已审核的答案：{两天}\n请写出需要这条答案的顾客会怎么问，每行一句。"
    )
    assert chinese.target == "多久？\n"


def test_of_long_questions_the_end_is_learned_as_serving_hears_it() -> None:
    long, heard = "so " * 100 + "where is it?", prompts.HEARD
    known = Asked("Here.", "en", (long,))
    [learned] = lists([known], most=0, seed=1)
    assert learned.target == prompts.lines([long[-heard:]])
    assert len(learned.target) <= heard + 1
    looked_at = ending_with(long, known, random.Random(1))
    assert looked_at.target == prompts.lines([long[-heard:]] * 2)
    prompt = prompts.Prompt(
        instructions="",
        turns=({"role": "user", "content": long},),
        knowledge=(prompts.Knowledge("Where?", known.answer),),
        style="questions",
    )
    [asked_about] = prompts.continuations(prompt, most=3, tokens=9999, count=lambda _: 1)
    assert learned.target == asked_about.said


def test_many_wordings_are_lists_of_about_equal_size() -> None:
    sizes = [
        sorted(each.target.count("\n") for each in lists([asked(count)], most=0, seed=1))
        for count in (0, 1, LINES, LINES + 1, 29)
    ]
    assert sizes == [[], [1], [12], [6, 7], [9, 10, 10]]


def test_every_answer_has_a_list_before_any_has_two() -> None:
    known = [asked(40, "a"), asked(3, "b"), asked(20, "c")]
    assert answers(lists(known, most=3, seed=1)) == Counter("abc")
    assert answers(lists(known, most=5, seed=1)) == Counter("abcac")
    assert answers(lists(known, most=0, seed=1)) == Counter("aaaabcc")
    assert len(lists(known, most=2, seed=1)) == 2


def test_order_is_that_of_the_seed() -> None:
    known = [asked(20, name) for name in "abcd"]
    assert lists(known, most=0, seed=1) == lists(known, most=0, seed=1)
    assert lists(known, most=0, seed=1) != lists(known, most=0, seed=2)


@given(WORDINGS, WORDINGS, st.integers(0, 99))
def test_every_wording_stands_once_and_none_that_is_held_out(
    wordings: list[str], held_out: list[str], seed: int
) -> None:
    keys = {normalized(each) for each in held_out}
    known = learnable(Asked("Yes.", "en", tuple(wordings)), keys)
    written = [
        line for each in lists([known], most=0, seed=seed) for line in each.target.split("\n")
    ]
    found = Counter(normalized(line) for line in written if line)
    assert found == Counter(({normalized(each) for each in wordings} - keys) - {""})


def test_of_wordings_that_are_nearly_the_same_the_first_stays() -> None:
    known = learnable(Asked("Yes.", "en", ("Is it?", "is it", "???", "Is it far?")), {"is it far"})
    assert known.wordings == ("Is it?",)


def test_what_is_looked_at_ends_with_the_customers_question() -> None:
    example = ending_with("is it\nhere", asked(20), random.Random(1))
    *some, last = example.target.splitlines()
    assert last == "is it here"
    assert len(set(some)) == prompts.LISTED
    assert set(some) <= set(asked(20).wordings)
    assert ending_with("why", asked(1), random.Random(1)).target == "question a 0\nwhy\n"


def test_a_question_is_learned_in_the_tokens_in_which_serving_asks_for_it(
    tiny_weights: Path,
) -> None:
    tokenizer = ChatTokenizer(tiny_weights)

    def ids(questions: list[str]) -> list[int]:
        return tokenizer.answer_ids(prompts.lines(questions))[:-1]

    some, asked = ["How long?", "能退货吗？", "When 2"], ["where is my parcel?"]
    assert ids(some + asked) == ids(some) + ids(asked)

"""One prompt: knowledge has its slot, and the window is kept by dropping the oldest turns."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.inference.engine import ChatMessage
from chat.prompts import (
    Knowledge,
    Prompt,
    PromptTooLong,
    build,
    chosen,
    continuations,
    fit,
    lines,
    style_named,
)


def turn(role: str, content: str) -> ChatMessage:
    return {"role": role, "content": content}  # type: ignore[typeddict-item]


def words(messages: Sequence[ChatMessage]) -> int:
    return sum(len(message["content"].split()) for message in messages)


KNOWLEDGE = (
    Knowledge("How long is delivery?", "Two days."),
    Knowledge("How much is delivery?", "Five euros."),
    Knowledge("Where is the shop?", "In Hamburg."),
)


def system(prompt: Prompt) -> str:
    return build(prompt)[0]["content"]


def test_instructions_come_first_then_approved_answers_in_their_order() -> None:
    prompt = Prompt("Be brief.", (turn("user", "How long?"),), KNOWLEDGE[:2])

    lines = system(prompt).splitlines()
    assert lines[0] == "Be brief."
    assert lines[3:7] == [
        "1. Q: How long is delivery?",
        "A: Two days.",
        "2. Q: How much is delivery?",
        "A: Five euros.",
    ]
    assert build(prompt)[1:] == [turn("user", "How long?")]


def test_with_nothing_near_the_model_is_told_to_say_so() -> None:
    assert "do not know" in system(Prompt("Be brief.", (turn("user", "?"),), ()))
    assert "不知道" in system(Prompt("请简短。", (turn("user", "？"),), (), locale="zh-hans"))


def test_a_bot_without_knowledge_is_not_told_about_it() -> None:
    assert system(Prompt("Be brief.", (turn("user", "?"),))) == "Be brief."


def test_knowledge_is_cut_to_its_budget_the_farthest_first() -> None:
    prompt = Prompt("Be brief.", (turn("user", "How long?"),), KNOWLEDGE)
    whole = words(build(prompt))
    bare = words(build(Prompt("Be brief.", (turn("user", "How long?"),))))

    some = fit(prompt, tokens=1000, count=words, knowledge_tokens=whole - bare - 1)
    least = fit(prompt, tokens=1000, count=words, knowledge_tokens=1)

    assert "How much" in some[0]["content"]
    assert "Hamburg" not in some[0]["content"]
    assert "How long is" in least[0]["content"]
    assert "How much" not in least[0]["content"]


def test_old_turns_go_before_knowledge_does() -> None:
    turns = (turn("user", "one two three"), turn("assistant", "four five"), turn("user", "six"))
    prompt = Prompt("Be brief.", turns, KNOWLEDGE[:1])
    bare = words(build(Prompt("Be brief.", turns[-1:], KNOWLEDGE[:1])))

    assert fit(prompt, tokens=bare, count=words) == build(
        Prompt("Be brief.", turns[-1:], KNOWLEDGE[:1])
    )
    assert fit(prompt, tokens=4, count=words) == build(Prompt("Be brief.", turns[-1:]))


def test_nothing_to_say_needs_no_system_message() -> None:
    assert build(Prompt(" ", (turn("user", "Hi"),))) == [turn("user", "Hi")]


def test_the_oldest_exchange_goes_first() -> None:
    turns = (
        turn("user", "one two"),
        turn("assistant", "three four"),
        turn("user", "five"),
        turn("assistant", "six"),
        turn("user", "seven"),
    )

    assert fit(Prompt("", turns), tokens=4, count=words) == list(turns[2:])


def test_a_question_that_is_too_long_is_said_so() -> None:
    with pytest.raises(PromptTooLong):
        fit(Prompt("Be brief.", (turn("user", "a b c"),)), tokens=4, count=words)


@given(st.lists(st.sampled_from(["user", "assistant"]), max_size=20), st.integers(1, 30))
def test_what_fits_ends_with_the_question_and_begins_with_a_customer(
    roles: list[str], tokens: int
) -> None:
    turns = (*(turn(role, "a b") for role in roles), turn("user", "q"))

    messages = fit(Prompt("", turns), tokens=tokens, count=words)

    assert messages[-1] == turn("user", "q")
    assert words(messages) <= tokens
    if len(messages) < len(turns):
        assert messages[0]["role"] == "user"


def test_model_that_names_numbers_reads_the_questions_behind_what_was_asked() -> None:
    turns = (turn("user", "Hi"), turn("assistant", "Hello"), turn("user", "How long?"))
    built = build(Prompt("Be brief.", turns, KNOWLEDGE[:2], style="number"))
    assert built[:3] == [turn("system", "Be brief."), *turns[:2]]
    assert built[3]["content"].splitlines() == [
        "How long?",
        "",
        "Which of these asks the same, the nearest first?",
        "1. How long is delivery?",
        "2. How much is delivery?",
        "Reply with its number, or 0 if none does.",
    ]


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        *(("1", 0), (" 2 ", 1), ("3.", 2), ("3。", 2)),
        *((said, None) for said in ("0", "4", "", "12", "1 2", "the first", "1\n2", "-1")),
    ],
)
def test_only_the_number_of_a_question_that_was_shown_names_one(
    reply: str, place: int | None
) -> None:
    assert chosen(reply, 3) == place


LISTED = (
    Knowledge("How long does it take?", "Two days.", ("How many days?", "When is it here?")),
    Knowledge("How much is it?", "Five euros.", ("What does it cost?",)),
    Knowledge("Where are you?", "In Hamburg."),
    Knowledge("Who are you?", "A shop."),
)


def test_model_that_reads_lists_hears_the_customer_after_the_questions_of_each_answer() -> None:
    prompt = Prompt("Be brief.", (turn("user", "How\nlong?"),), LISTED, style="questions")
    first, second, third = continuations(prompt, most=3, tokens=400, count=words)
    assert "Two days." in first.messages[0]["content"]
    assert first.begun == "How many days?\nWhen is it here?\nHow long does it take?\n"
    assert (second.begun, third.begun) == (
        "What does it cost?\nHow much is it?\n",
        "Where are you?\n",
    )
    assert {each.said for each in (first, second, third)} == {"How long?\n"}


def test_follow_up_is_heard_with_the_question_before_it() -> None:
    turns = (
        turn("user", "Do you send to Spain?"),
        turn("assistant", "Yes."),
        turn("user", "When?"),
    )
    asked = continuations(Prompt("", turns, LISTED), most=3, tokens=400, count=words)
    assert asked[0].said == "Do you send to Spain? When?\n"


def test_of_a_long_message_the_end_is_heard() -> None:
    turns = (turn("user", "Well, " * 400 + "how long?"),)
    asked = continuations(Prompt("", turns, LISTED), most=3, tokens=400, count=words)
    assert asked[0].said.endswith("how long?\n")
    assert len(asked[0].said) <= 161


@given(st.text(max_size=300))
def test_end_of_any_message_is_whole_characters(text: str) -> None:
    [line] = lines([text]).splitlines(keepends=True) or [""]
    assert line.endswith("\n")
    assert len(line.encode()) <= 161
    assert " ".join(text.split()).endswith(line.rstrip("\n"))


def test_list_is_cut_to_its_budget_and_keeps_the_nearest_question() -> None:
    prompt = Prompt("", (turn("user", "How long?"),), LISTED)
    whole = continuations(prompt, most=3, tokens=400, count=words)
    for budget in (1, 30, 44, 60):
        asked = continuations(prompt, most=3, tokens=400, count=words, knowledge_tokens=budget)
        assert all(
            each.begun.endswith(f"{pair.question}\n")
            for each, pair in zip(asked, LISTED, strict=False)
        )
    assert whole[0].begun.count("\n") == 3
    assert continuations(prompt, most=3, tokens=400, count=words, knowledge_tokens=1)[0].begun == (
        "How long does it take?\n"
    )


def test_list_that_does_not_fit_the_window_is_refused() -> None:
    with pytest.raises(PromptTooLong):
        continuations(
            Prompt("", (turn("user", "How long?"),), LISTED), most=3, tokens=5, count=words
        )


def test_nothing_near_is_nothing_to_ask_about() -> None:
    assert (
        continuations(Prompt("", (turn("user", "?"),), ()), most=3, tokens=400, count=words) == []
    )


def test_unknown_style_writes_words() -> None:
    assert [style_named(name) for name in ("questions", "number", "later")] == [
        *("questions", "number", "words")
    ]

"""One prompt: knowledge has its slot, and the window is kept by dropping the oldest turns."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.inference.engine import ChatMessage
from chat.prompts import Knowledge, Prompt, PromptTooLong, build, fit


def turn(role: str, content: str) -> ChatMessage:
    return {"role": role, "content": content}  # type: ignore[typeddict-item]


def words(messages: Sequence[ChatMessage]) -> int:
    return sum(len(message["content"].split()) for message in messages)


def test_instructions_and_knowledge_come_first() -> None:
    prompt = Prompt(
        "Be brief.",
        (turn("user", "How long?"),),
        (Knowledge("How long is delivery?", "Two days."),),
    )

    assert build(prompt) == [
        turn("system", "Be brief.\n\nQ: How long is delivery?\nA: Two days."),
        turn("user", "How long?"),
    ]


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

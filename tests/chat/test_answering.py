"""An answer that only repeats itself ends; one that merely sounds alike does not."""

import pytest

from chat.answering import until_repetitive


def shown(text: str) -> str:
    return "".join(until_repetitive(text))


@pytest.mark.parametrize(
    "unit", ["宴", "ha ", "I can assist you with your daily tasks, from picking up to making. "]
)
def test_a_loop_is_ended_soon(unit: str) -> None:
    said = shown("Of course. " + unit * 100)

    assert said.startswith("Of course. " + unit)
    assert len(said) <= len("Of course. ") + max(24, 3 * len(unit)) + len(unit)


@pytest.mark.parametrize(
    "text",
    [
        "No, no, no! Tea is free. Lamps are free. Postage is free.",
        "| size | price |\n|------|-------|\n| small | 3 |\n| large | 5 |",
        "1. Open the box.\n2. Open the bag.\n3. Open the tin.",
        "Call 000-000-000-001 or wait........",
        "好的，好的，好的。我们会尽快处理。",
        "a\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nb",
    ],
)
def test_an_answer_that_says_something_is_shown_whole(text: str) -> None:
    assert shown(text) == text

"""Rows and answers for tests of evaluation, and a responder that says what it is told to."""

from collections.abc import Callable
from typing import Any

from chat.inference.engine import ChatMessage
from training.evaluation.judging import Judged, judge
from training.evaluation.responding import Response, Source
from training.frozen import FrozenRow


def row(question: str = "How long?", answer: str = "Three days.", **fields: Any) -> FrozenRow:
    """A test question of one turn; ``before`` are turns that precede it."""
    before: list[ChatMessage] = fields.pop("before", [])
    defaults = {
        "id": question, "group": "time", "cluster": question, "split": "test", "locale": "en",
        "scenario": "delivery", "hands_over": False, "source": "", "licence": "",
    }  # fmt: skip
    turns: tuple[ChatMessage, ...] = (
        *before,
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    )
    return FrozenRow(messages=turns, **{**defaults, **fields})


def response(text: str = "Three days.", **fields: Any) -> Response:
    source: Source = "model"
    defaults = {
        "hands_over": False, "source": source, "confidence": None, "seconds": 0.5, "tokens": 10,
    }  # fmt: skip
    return Response(text, **{**defaults, **fields})


def offer(**fields: Any) -> Response:
    """A person is offered."""
    return response("I do not know. Shall I get a person?", hands_over=True, **fields)


QUESTION = row()


def judged(text: str = "Three days.", *, row: FrozenRow = QUESTION, **fields: Any) -> Judged:
    return judge(row, response(text, **fields))


class Scripted:
    """Answers with what ``script`` makes of a row."""

    def __init__(self, script: Callable[[FrozenRow], Response]) -> None:
        self.script = script
        self.asked: list[FrozenRow] = []

    def respond(self, row: FrozenRow) -> Response:
        self.asked.append(row)
        return self.script(row)

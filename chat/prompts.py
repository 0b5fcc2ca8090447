"""The one prompt of csbot: what a model reads before it answers, in training as in serving.

Change anything here and raise ``VERSION``: it is recorded with every answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chat.inference.engine import ChatMessage

VERSION = "1"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One approved question and answer that may bear on the customer's question."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that an answer may depend on. ``turns`` ends with the customer's question."""

    instructions: str
    turns: tuple[ChatMessage, ...]
    knowledge: tuple[Knowledge, ...] = ()


class PromptTooLong(Exception):
    """The question alone does not fit the model's window."""


def build(prompt: Prompt) -> list[ChatMessage]:
    """The messages for the chat template, instructions and knowledge first."""
    system = [prompt.instructions.strip()]
    system += [f"Q: {pair.question}\nA: {pair.answer}" for pair in prompt.knowledge]
    text = "\n\n".join(part for part in system if part)
    head: list[ChatMessage] = [{"role": "system", "content": text}] if text else []
    return head + list(prompt.turns)


def fit(
    prompt: Prompt, *, tokens: int, count: Callable[[Sequence[ChatMessage]], int]
) -> list[ChatMessage]:
    """The messages of ``prompt`` within ``tokens``, without as many oldest turns as needed.

    ``count`` tells the tokens of a list of messages. What is left begins with a customer's
    turn. Raises :class:`PromptTooLong` when the question alone is too long.
    """
    while True:
        messages = build(prompt)
        if count(messages) <= tokens:
            return messages
        if len(prompt.turns) <= 1:
            raise PromptTooLong
        prompt = replace(prompt, turns=_without_oldest(prompt.turns))


def _without_oldest(turns: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
    """One exchange less. The question, which is last, always stays."""
    rest = turns[1:]
    while len(rest) > 1 and rest[0]["role"] != "user":
        rest = rest[1:]
    return rest

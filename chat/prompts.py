"""The one prompt of csbot: what a model reads before it answers, in training as in serving.

Change anything here and raise ``VERSION``: it is recorded with every answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chat.inference.engine import ChatMessage

VERSION = "2"

Count = Callable[[Sequence[ChatMessage]], int]
"""Tells the tokens of a list of messages."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One approved question and answer that may bear on the customer's question."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that an answer may depend on. ``turns`` ends with the customer's question.

    ``knowledge`` is nearest first; empty when nothing approved is near, and None for a bot
    without any knowledge, which is then not spoken of.
    """

    instructions: str
    turns: tuple[ChatMessage, ...]
    knowledge: tuple[Knowledge, ...] | None = None
    locale: str = "en"


class PromptTooLong(Exception):
    """The question alone does not fit the model's window."""


@dataclass(frozen=True, slots=True)
class _Wording:
    approved: str
    pair: str
    rule: str
    nothing: str


_WORDINGS = {
    "en": _Wording(
        approved="Approved answers, nearest first:",
        pair="{number}. Q: {question}\nA: {answer}",
        rule="If one of them answers the question, answer with it. "
        "If none does, say that you do not know and offer a person.",
        nothing="No approved answer is near this question: say that you do not know and offer a person.",
    ),
    "zh-hans": _Wording(
        approved="已审核的答案，最接近的在前：",
        pair="{number}. 问：{question}\n答：{answer}",
        rule="如果其中一条能回答问题，就用它回答；如果都不能，请说明不知道，并建议联系人工客服。",
        nothing="没有与这个问题接近的已审核答案：请说明不知道，并建议联系人工客服。",
    ),
}


def build(prompt: Prompt) -> list[ChatMessage]:
    """The messages for the chat template, instructions and knowledge first."""
    parts = [prompt.instructions.strip(), _approved(prompt)]
    text = "\n\n".join(part for part in parts if part)
    head: list[ChatMessage] = [{"role": "system", "content": text}] if text else []
    return head + list(prompt.turns)


def _approved(prompt: Prompt) -> str:
    wording = _WORDINGS.get(prompt.locale, _WORDINGS["en"])
    if prompt.knowledge is None:
        return ""
    if not prompt.knowledge:
        return wording.nothing
    pairs = [
        wording.pair.format(number=number, question=pair.question, answer=pair.answer)
        for number, pair in enumerate(prompt.knowledge, 1)
    ]
    return "\n".join([wording.approved, *pairs, wording.rule])


def fit(
    prompt: Prompt, *, tokens: int, count: Count, knowledge_tokens: int | None = None
) -> list[ChatMessage]:
    """The messages of ``prompt`` within ``tokens``.

    Knowledge is cut to ``knowledge_tokens``, the farthest first, though the nearest stays;
    then as many oldest turns go as needed, and knowledge last of all. What is left of the turns begins
    with a customer's. Raises :class:`PromptTooLong` when the question alone is too long.
    """
    if knowledge_tokens is not None:
        prompt = _within(prompt, knowledge_tokens, count)
    while True:
        messages = build(prompt)
        if count(messages) <= tokens:
            return messages
        if len(prompt.turns) > 1:
            prompt = replace(prompt, turns=_without_oldest(prompt.turns))
        elif prompt.knowledge:
            prompt = replace(prompt, knowledge=prompt.knowledge[:-1] or None)
        else:
            raise PromptTooLong


def _within(prompt: Prompt, budget: int, count: Count) -> Prompt:
    """Fewer pairs, so that all of them together read in ``budget`` tokens."""
    bare = count(build(replace(prompt, knowledge=None)))
    while prompt.knowledge is not None and len(prompt.knowledge) > 1:
        if count(build(prompt)) - bare <= budget:
            break
        prompt = replace(prompt, knowledge=prompt.knowledge[:-1])
    return prompt


def _without_oldest(turns: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
    """One exchange less. The question, which is last, always stays."""
    rest = turns[1:]
    while len(rest) > 1 and rest[0]["role"] != "user":
        rest = rest[1:]
    return rest

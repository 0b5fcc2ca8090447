"""The one prompt of csbot: what a model reads before it answers, in training as in serving.

Change anything here and raise ``VERSION``: it is recorded with every answer.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from chat.inference.engine import ChatMessage, Continuation

VERSION = "4"

Count = Callable[[Sequence[ChatMessage]], int]
"""Tells the tokens of a list of messages."""

Style = Literal["words", "number", "questions"]
"""What the model tells: an answer in words; the number of the approved question that asks
the same as the customer; or how likely somebody who needs an approved answer asks just this, after
some approved questions of it. With the last two customers get an approved answer, word for word."""

NOBODY = "0"
"""The number that hands over to a person."""

READ = 3
"""Approved answers whose questions a model of the style ``questions`` reads, at most."""
LISTED = 6
"""Approved questions that it reads of each."""
HEARD = 160
"""Bytes in UTF-8 of a question that it reads or is asked about, the last ones of long messages:
small models read about as many tokens of them in every language."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One approved question and answer that may bear on the customer's question."""

    question: str
    answer: str
    others: tuple[str, ...] = ()
    """More approved questions of the same answer, for models that read lists of them."""


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
    style: Style = "words"


class PromptTooLong(Exception):
    """The question alone does not fit the model's window."""


@dataclass(frozen=True, slots=True)
class _Wording:
    approved: str
    pair: str
    rule: str
    nothing: str
    which: str
    number: str
    asking: str


_WORDINGS = {
    "en": _Wording(
        approved="Approved answers, nearest first:",
        pair="{number}. Q: {question}\nA: {answer}",
        rule="If one of them answers the question, answer with it. "
        "If none does, say that you do not know and offer a person.",
        nothing="No approved answer is near this question: say that you do not know and offer a person.",
        which="Which of these asks the same, the nearest first?",
        number="Reply with its number, or 0 if none does.",
        asking="Approved answer: {answer}\nWrite what customers ask who need it, one question a line.",
    ),
    "zh-hans": _Wording(
        approved="已审核的答案，最接近的在前：",
        pair="{number}. 问：{question}\n答：{answer}",
        rule="如果其中一条能回答问题，就用它回答；如果都不能，请说明不知道，并建议联系人工客服。",
        nothing="没有与这个问题接近的已审核答案：请说明不知道，并建议联系人工客服。",
        which="下面哪一条问的是同一件事？最接近的在前：",
        number="请只回复编号；都不是就回复 0。",
        asking="已审核的答案：{answer}\n请写出需要这条答案的顾客会怎么问，每行一句。",
    ),
}


def build(prompt: Prompt) -> list[ChatMessage]:
    """The messages for the chat template, instructions first.

    A model that writes words reads the knowledge with its instructions. One that names a number
    reads approved questions behind the customer's own, so that it reads each of them knowing
    what was asked; what a customer writes cannot make it name anything but a number.
    """
    if prompt.style == "number":
        head, turns = prompt.instructions.strip(), _asked_which(prompt)
    else:
        parts = [prompt.instructions.strip(), _approved(prompt)]
        head, turns = "\n\n".join(part for part in parts if part), list(prompt.turns)
    system: list[ChatMessage] = [{"role": "system", "content": head}] if head else []
    return system + turns


def style_named(name: str) -> Style:
    """The style of an artifact's facts; words for what this csbot does not know."""
    return next((each for each in get_args(Style) if each == name), "words")


def names_answers(style: Style) -> bool:
    """Whether a model of this style names an approved answer instead of writing one."""
    return style != "words"


def chosen(reply: str, count: int) -> int | None:
    """The place, from 0, of the approved question that a reply names; None for nobody, for more
    than ``count`` and for anything else."""
    found = re.fullmatch(r"\s*([1-9])\s*[.。]?\s*", reply)
    return int(found[1]) - 1 if found and int(found[1]) <= count else None


def _asked_which(prompt: Prompt) -> list[ChatMessage]:
    wording = _WORDINGS.get(prompt.locale, _WORDINGS["en"])
    lines = [
        f"{number}. {' '.join(pair.question.split())}"
        for number, pair in enumerate(prompt.knowledge or (), 1)
    ]
    question = prompt.turns[-1]["content"]
    text = "\n".join([question, "", wording.which, *lines, wording.number])
    return [*prompt.turns[:-1], {"role": "user", "content": text}]


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


def continuations(
    prompt: Prompt, *, most: int, tokens: int, count: Count, knowledge_tokens: int | None = None
) -> list[Continuation]:
    """What a model of the style ``questions`` is asked: for each of the ``most`` nearest approved
    answers, whether the customer's words would be the next question after some of its own.

    A follow-up is heard with the question before it, as it is searched for. What is read of one
    answer is cut to half of ``knowledge_tokens``; its nearest question, which is last, always
    stays. Raises :class:`PromptTooLong` when that alone does not fit ``tokens``.
    """
    asked = [each["content"] for each in prompt.turns if each["role"] == "user"]
    said = lines([" ".join(asked[-2:])])
    budget = tokens if knowledge_tokens is None else min(tokens, knowledge_tokens // 2)
    made: list[Continuation] = []
    for pair in (prompt.knowledge or ())[:most]:
        messages = asking(pair.answer, prompt.locale)
        begun = _begun(pair, messages, budget, count)
        if count([*messages, {"role": "assistant", "content": begun + said}]) > tokens:
            raise PromptTooLong
        made.append(Continuation(tuple(messages), begun, said))
    return made


def _begun(pair: Knowledge, messages: list[ChatMessage], budget: int, count: Count) -> str:
    """The questions of an answer, as many as fit, the nearest one last."""
    others = pair.others[: LISTED - 1]
    while True:
        begun = lines([*others, pair.question])
        if not others or count([*messages, {"role": "assistant", "content": begun}]) <= budget:
            return begun
        others = others[:-1]


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


def asking(answer: str, locale: str) -> list[ChatMessage]:
    """What a model of the style ``questions`` reads before :func:`lines` of an approved answer."""
    wording = _WORDINGS.get(locale, _WORDINGS["en"])
    return [{"role": "user", "content": wording.asking.format(answer=answer)}]


def lines(questions: Iterable[str]) -> str:
    """What customers ask, one question a line, of long ones the end. Each line ends, so that
    another may follow."""
    return "".join(f"{_end(' '.join(each.split()))}\n" for each in questions)


def _end(text: str) -> str:
    return text.encode()[-HEARD:].decode(errors="ignore").lstrip()

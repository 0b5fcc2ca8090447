"""Conversations as one text, each turn behind the name of who said it: ``用户:…`` and ``客服:…``."""

import re
from collections.abc import Iterable, Iterator, Sequence

from training.formats.entries import Fault, Role, RowRefused, Turn

_CUSTOMER = "用户|客户|顾客|买家|访客|user|customer|client|human|visitor"
_BOT = "客服|坐席|商家|卖家|机器人|助手|agent|assistant|bot|support"
_LABEL = re.compile(rf"(?:({_CUSTOMER})|({_BOT}))[ \t]*[:：]", re.IGNORECASE)
# What somebody said may begin like a label: it then stands one space further in.
_INDENTED = re.compile(rf" +(?:{_CUSTOMER}|{_BOT})[ \t]*[:：]", re.IGNORECASE)
_WRITTEN: dict[str, dict[Role, str]] = {
    "zh-hans": {"user": "用户", "assistant": "客服"},
    "en": {"user": "User", "assistant": "Agent"},
}


def parse(text: str) -> list[Turn]:
    """The turns of a labelled text; one without any label is a customer's.

    A last label with nothing behind it is left out: there the answer goes. Raises
    :class:`RowRefused` for words before the first label.
    """
    roles: list[Role] = []
    said: list[list[str]] = []
    for line in text.strip("\r\n").split("\n"):
        if label := _LABEL.match(line):
            roles.append("user" if label[1] else "assistant")
            said.append([line[label.end() :]])
        else:
            if not roles:
                roles.append("user")
                said.append([])
            said[-1].append(line[1:] if _INDENTED.match(line) else line)
    is_labelled = _LABEL.match(text.strip("\r\n")) is not None
    if len(roles) > 1 and not is_labelled:
        raise RowRefused(Fault.ROLE)
    turns = [Turn(role, "\n".join(lines).strip()) for role, lines in zip(roles, said, strict=True)]
    if turns and is_labelled and not turns[-1].content:
        turns.pop()
    return turns


def written(turns: Iterable[Turn], locale: str) -> str:
    """What :func:`parse` reads back."""
    names = _WRITTEN.get(locale, _WRITTEN["en"])
    return "\n".join(f"{names[each.role]}:{_indented(each.content)}" for each in turns)


def to_answer(turns: Sequence[Turn], locale: str) -> str:
    """The turns before an answer, and the label that it goes behind."""
    return f"{written(turns, locale)}\n{_WRITTEN.get(locale, _WRITTEN['en'])['assistant']}:"


def _indented(content: str) -> str:
    return "\n".join(_lines(content))


def _lines(content: str) -> Iterator[str]:
    first, *rest = content.split("\n")
    yield first
    for line in rest:
        is_like_label = _LABEL.match(line) or _INDENTED.match(line)
        yield f" {line}" if is_like_label else line

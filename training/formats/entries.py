"""What a file of conversations holds, and what may be wrong with it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

LARGEST_FILE = 20 * 1024 * 1024
MOST_ROWS = 50_000
MOST_PROBLEMS = 100
MOST_TURNS = 100
LONGEST_TURN = 4_000
# A spreadsheet's cell holds 32,767 characters.
LONGEST_CONVERSATION = 30_000
LONGEST_LABEL = 80
LONGEST_SOURCE = 200

LOCALES = ("en", "zh-hans")
SPLITS = ("train", "dev", "test")

Role = Literal["user", "assistant"]

_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")


class Format(StrEnum):
    """How conversations stand in a file."""

    MESSAGES = "messages"
    CONTEXT = "context"
    SHAREGPT = "sharegpt"
    ALPACA = "alpaca"
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def suffix(self) -> str:
        """How the name of such a file ends, without the dot."""
        return {Format.MESSAGES: "jsonl", Format.CSV: "csv", Format.XLSX: "xlsx"}.get(self, "json")


class Fault(StrEnum):
    """What may be wrong with a file or a row of it."""

    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    ENCODING = "encoding"
    EMPTY = "empty"
    COLUMNS = "columns"
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
    NO_OBJECT = "no_object"
    SHAPE = "shape"
    NO_TEXT = "no_text"
    ROLE = "role"
    NO_QUESTION = "no_question"
    NO_ANSWER = "no_answer"
    TOO_LONG = "too_long"
    LOCALE = "locale"
    SPLIT = "split"


class FileRefused(ValueError):
    """The file cannot be read at all."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class RowRefused(ValueError):
    """A row is no conversation."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Turn(NamedTuple):
    """What one side said before the other spoke again."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One conversation of a file: customer and bot in turn, from a customer's to a bot's.

    ``line`` is where it begins, for people to find it. What the file does not say is empty.
    """

    turns: tuple[Turn, ...]
    group: str = ""
    scenario: str = ""
    locale: str = ""
    source: str = ""
    licence: str = ""
    hands_over: bool = False
    split: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Fail:
    """A row that is no conversation."""

    line: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds; ``fails`` are the first of the rows that cannot be used.

    ``format`` is that of the first row.
    """

    entries: tuple[Entry, ...]
    fails: tuple[Fail, ...]
    format: Format = Format.MESSAGES


def conversation(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Turns as a model learns them: several in a row of one side are one, and what the bot says
    before the customer has said anything is left out, as it is when a model is asked.

    Raises :class:`RowRefused`.
    """
    merged: list[Turn] = []
    for turn in turns:
        content = turn.content.strip()
        if _NO_TEXT.search(content):
            raise RowRefused(Fault.NO_TEXT)
        if not content:
            raise RowRefused(Fault.NO_QUESTION if turn.role == "user" else Fault.NO_ANSWER)
        if merged and merged[-1].role == turn.role:
            merged[-1] = Turn(turn.role, f"{merged[-1].content}\n{content}")
        elif merged or turn.role == "user":
            merged.append(Turn(turn.role, content))
    if not merged:
        raise RowRefused(Fault.NO_QUESTION)
    if merged[-1].role != "assistant":
        raise RowRefused(Fault.NO_ANSWER)
    if (
        len(merged) > MOST_TURNS
        or any(len(each.content) > LONGEST_TURN for each in merged)
        or sum(len(each.content) for each in merged) > LONGEST_CONVERSATION
    ):
        raise RowRefused(Fault.TOO_LONG)
    return tuple(merged)


def is_text(value: object) -> bool:
    return isinstance(value, str) and not _NO_TEXT.search(value)

"""Approved answers as files: JSON lines, a JSON list, or CSV as spreadsheets write it.

What is written here is read back the same. Whether a text may be an approved answer is not decided
here, only whether it is one: see :func:`chat.services.knowledge.clean`.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

from chat import spreadsheets
from chat.spreadsheets import Row, unguarded
from moderation.text_files import NotJSON, UnknownEncoding, decoded, json_rows

LARGEST_FILE = 5 * 1024 * 1024
MOST_ROWS = 20_000
MOST_PROBLEMS = 100
FORMATS = ("jsonl", "csv")

_COLUMNS = {"键": "key", "标识": "key", "主题": "topic", "问题": "question", "答案": "answer"}
_QUESTION = re.compile(r"questions?|(?:question|问题)[ _]?[0-9]+")
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")


class Fault(StrEnum):
    """What may be wrong with a file or a row of it."""

    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    ENCODING = "encoding"
    EMPTY = "empty"
    COLUMNS = "columns"
    CSV = "csv"
    JSON = "json"
    NO_OBJECT = "no_object"
    NO_TEXT = "no_text"
    NO_QUESTION = "no_question"
    NO_ANSWER = "no_answer"
    SAME_KEY = "same_key"


class FileRefused(ValueError):
    """The file cannot be read at all."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer of a file. ``line`` is where it begins, for people to find it."""

    questions: tuple[str, ...]
    answer: str
    key: str = ""
    topic: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Fail:
    """A row that is no answer."""

    line: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds; ``fails`` are the first of the rows that cannot be used."""

    entries: tuple[Entry, ...]
    fails: tuple[Fail, ...]


def read(data: bytes, name: str) -> Contents:
    """Read a file; a ``name`` that ends in ``.csv`` is CSV, anything else JSON.

    CSV has a first row with ``answer``, ``question`` (several: a line each in the cell, or columns
    ``question_1`` and so on), and maybe ``key`` and ``topic``. UTF-8, UTF-16 with its mark, or
    GB 18030, separated by commas, semicolons or tabs. Raises :class:`FileRefused`.
    """
    if len(data) > LARGEST_FILE:
        raise FileRefused(Fault.TOO_LARGE)
    entries: list[Entry] = []
    fails: list[Fail] = []
    keys: set[str] = set()
    for count, (line, row) in enumerate(_rows(data, name)):
        if count >= MOST_ROWS:
            raise FileRefused(Fault.TOO_MANY)
        found = _entry(line, row)
        if isinstance(found, Entry) and found.key:
            found = Fail(line, Fault.SAME_KEY) if found.key in keys else found
        if isinstance(found, Entry):
            keys.add(found.key)
            entries.append(found)
        elif len(fails) < MOST_PROBLEMS:
            fails.append(found)
    if not entries and not fails:
        raise FileRefused(Fault.EMPTY)
    return Contents(tuple(entries), tuple(fails))


def jsonl(entries: Iterable[Entry]) -> Iterator[str]:
    """The lines of a JSONL file."""
    for each in entries:
        row = {
            "key": each.key,
            "topic": each.topic,
            "questions": list(each.questions),
            "answer": each.answer,
        }
        yield json.dumps(row, ensure_ascii=False) + "\n"


def csv_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """The records of a CSV file, safe to open in a spreadsheet."""
    head: list[Row] = [["key", "topic", "question", "answer"]]
    rows = ([each.key, each.topic, "\n".join(each.questions), each.answer] for each in entries)
    yield from spreadsheets.csv_lines(chain(head, rows))


def _rows(data: bytes, name: str) -> Iterator[tuple[int, Any]]:
    try:
        text = decoded(data)
        return _csv_rows(text) if name.lower().endswith(".csv") else json_rows(text)
    except UnknownEncoding:
        raise FileRefused(Fault.ENCODING) from None
    except NotJSON:
        raise FileRefused(Fault.JSON) from None


def _csv_rows(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    try:
        names = [_column(name) for name in next(reader, [])]
        if "answer" not in names or not any(_QUESTION.fullmatch(name) for name in names):
            raise FileRefused(Fault.COLUMNS)
        line = reader.line_num + 1
        for record in reader:
            if any(cell.strip() for cell in record):
                yield line, _row(names, record)
            line = reader.line_num + 1
    except csv.Error:
        raise FileRefused(Fault.CSV) from None


def _column(name: str) -> str:
    name = name.strip().lower()
    return _COLUMNS.get(name, name)


def _row(names: list[str], record: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"questions": []}
    for name, cell in zip(names, record, strict=False):
        text = unguarded(cell)
        if _QUESTION.fullmatch(name):
            row["questions"] += text.splitlines()
        else:
            row.setdefault(name, text)
    return row


def _entry(line: int, row: Any) -> Entry | Fail:
    if isinstance(row, NotJSON):
        return Fail(line, Fault.JSON)
    if not isinstance(row, dict):
        return Fail(line, Fault.NO_OBJECT)
    questions = row.get("questions") or []
    questions = [questions] if isinstance(questions, str) else questions
    texts = [row.get(name) or "" for name in ("answer", "key", "topic")]
    if not isinstance(questions, list) or not all(
        isinstance(each, str) and not _NO_TEXT.search(each) for each in [*texts, *questions]
    ):
        return Fail(line, Fault.NO_TEXT)
    answer, key, topic = (each.strip() for each in texts)
    asked = tuple(text for each in questions if (text := each.strip()))
    if not asked:
        return Fail(line, Fault.NO_QUESTION)
    if not answer:
        return Fail(line, Fault.NO_ANSWER)
    return Entry(asked, answer, key, topic, line)

"""A file becomes conversations: what it is, is told by its name and by what stands in it."""

from collections.abc import Iterator
from typing import Any

from moderation.text_files import NotJSON, UnknownEncoding, decoded, json_rows
from training.formats import shapes, spreadsheets
from training.formats.entries import (
    LARGEST_FILE,
    MOST_PROBLEMS,
    MOST_ROWS,
    Contents,
    Entry,
    Fail,
    Fault,
    FileRefused,
    Format,
    RowRefused,
)

_ZIP = b"PK\x03\x04"


def read(data: bytes, name: str) -> Contents:
    """Read a file of conversations.

    What begins like a ZIP is XLSX, a ``name`` that ends in ``.csv`` or ``.tsv`` is CSV, anything
    else is JSON: a list, or an object a line. Text is UTF-8, UTF-16 with its mark, or GB 18030.
    Raises :class:`FileRefused`.
    """
    if len(data) > LARGEST_FILE:
        raise FileRefused(Fault.TOO_LARGE)
    suffix = name.lower().rpartition(".")[2]
    table = Format.XLSX if suffix == "xlsx" or data.startswith(_ZIP) else None
    if table is None and suffix in ("csv", "tsv"):
        table = Format.CSV
    entries: list[Entry] = []
    fails: list[Fail] = []
    shape: Format | None = None
    for count, (line, row) in enumerate(_rows(data, table)):
        if count >= MOST_ROWS:
            raise FileRefused(Fault.TOO_MANY)
        try:
            found, form = _entries(row, line)
        except RowRefused as error:
            if len(fails) < MOST_PROBLEMS:
                fails.append(Fail(line, error.fault))
            continue
        shape = shape or form
        entries += found
        if len(entries) > MOST_ROWS:
            raise FileRefused(Fault.TOO_MANY)
    if not entries and not fails:
        raise FileRefused(Fault.EMPTY)
    return Contents(tuple(entries), tuple(fails), table or shape or Format.MESSAGES)


def _rows(data: bytes, table: Format | None) -> Iterator[tuple[int, Any]]:
    if table is Format.XLSX:
        return spreadsheets.xlsx_rows(data)
    try:
        text = decoded(data)
        return spreadsheets.csv_rows(text) if table is Format.CSV else json_rows(text)
    except UnknownEncoding:
        raise FileRefused(Fault.ENCODING) from None
    except NotJSON:
        raise FileRefused(Fault.JSON) from None


def _entries(row: Any, line: int) -> tuple[list[Entry], Format]:
    if isinstance(row, NotJSON):
        raise RowRefused(Fault.JSON)
    if not isinstance(row, dict):
        raise RowRefused(Fault.NO_OBJECT)
    return shapes.entries_of(row, line)

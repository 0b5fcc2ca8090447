"""Conversations as tables: CSV as spreadsheets write it, and XLSX.

A first row names the columns: ``question`` and ``answer``, ``context`` for the turns before the
question (:mod:`training.formats.labels`), and what :mod:`training.formats.shapes` knows beside
them. No cell that is written is a formula (:mod:`chat.spreadsheets`).
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from chat import spreadsheets
from chat.spreadsheets import Row, Sheet, unescaped, unguarded
from training.formats import labels
from training.formats.entries import MOST_ROWS, Entry, Fault, FileRefused

COLUMNS = (
    "context", "question", "answer", "group", "scenario", "locale", "source", "licence",
    "hands_over", "split",
)  # fmt: skip

_NAMES = {
    "问题": "question", "答案": "answer", "回答": "answer", "response": "answer",
    "query": "question", "reply": "answer", "上下文": "context", "history": "context",
}  # fmt: skip
_WIDEST = 60
# A spreadsheet is a ZIP: what it unpacks to has a limit of its own.
_LARGEST_UNPACKED = 200 * 1024 * 1024
_MOST_PARTS = 1_000

Table = Iterator[tuple[int, dict[str, Any]]]


def csv_rows(text: str) -> Table:
    """Each row with the line it begins in. Raises :class:`FileRefused`."""
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    try:
        names = _columns(next(reader, []))
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, _row(names, cells)
            line = reader.line_num + 1
    except csv.Error:
        raise FileRefused(Fault.CSV) from None


def xlsx_rows(data: bytes) -> Table:
    """Each row of the first sheet with its number. Raises :class:`FileRefused`."""
    import openpyxl

    _check_parts(data)
    try:
        book = openpyxl.load_workbook(
            io.BytesIO(data), read_only=True, data_only=True, keep_links=False
        )
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        rows = sheet.iter_rows(max_col=_WIDEST, values_only=True)
        names = _columns([_cell(each) for each in next(rows, ())])
        for number, values in enumerate(rows, 2):
            cells = [_cell(each) for each in values]
            if any(cell.strip() for cell in cells):
                yield number, _row(names, cells)
            elif number > 2 * MOST_ROWS:
                raise FileRefused(Fault.TOO_MANY)
    except FileRefused:
        raise
    except Exception:  # noqa: BLE001 - a damaged file breaks anywhere in the library that reads it
        raise FileRefused(Fault.XLSX) from None


def csv_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """The records of a CSV file."""
    return spreadsheets.csv_lines(_rows(entries))


def xlsx(entries: Iterable[Entry]) -> bytes:
    """The whole file: every cell a text."""
    return spreadsheets.xlsx([Sheet("conversations", _rows(entries))])


def _check_parts(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, EOFError):
        raise FileRefused(Fault.XLSX) from None
    # Nothing unpacks to more than it declares.
    if len(parts) > _MOST_PARTS or sum(each.file_size for each in parts) > _LARGEST_UNPACKED:
        raise FileRefused(Fault.TOO_LARGE)


def _columns(cells: Iterable[str]) -> list[str]:
    names = [_NAMES.get(name, name) for cell in cells for name in [cell.strip().lower()]]
    if not {"question", "answer"} <= set(names):
        raise FileRefused(Fault.COLUMNS)
    return names


def _row(names: list[str], cells: Iterable[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):
        if name:
            row.setdefault(name, unguarded(cell))
    return row


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return unescaped(str(value))


def _rows(entries: Iterable[Entry]) -> Iterator[Row]:
    yield COLUMNS
    for each in entries:
        yield _cells(each)


def _cells(entry: Entry) -> list[str]:
    *before, question, answer = entry.turns
    return [
        labels.written(before, entry.locale),
        question.content,
        answer.content,
        entry.group,
        entry.scenario,
        entry.locale,
        entry.source,
        entry.licence,
        "yes" if entry.hands_over else "",
        entry.split,
    ]

"""Conversations become a file that :func:`training.formats.reading.read` reads back the same."""

import json
from collections.abc import Iterable, Iterator

from training.formats import shapes, spreadsheets
from training.formats.entries import Entry, Format


def written(entries: Iterable[Entry], form: Format) -> Iterator[bytes]:
    """The pieces of a file, in order."""
    match form:
        case Format.XLSX:
            yield spreadsheets.xlsx(entries)
        case Format.CSV:
            yield from (line.encode() for line in spreadsheets.csv_lines(entries))
        case Format.MESSAGES:
            yield from (_json(each, form) + b"\n" for each in entries)
        case _:
            yield from _listed(entries, form)


def _listed(entries: Iterable[Entry], form: Format) -> Iterator[bytes]:
    before = b"[\n"
    for each in entries:
        yield before + _json(each, form)
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def _json(entry: Entry, form: Format) -> bytes:
    return json.dumps(shapes.row_of(entry, form), ensure_ascii=False).encode()

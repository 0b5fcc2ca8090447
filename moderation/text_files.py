"""Text files that people bring: their encoding, and rows of JSON."""

import json
from collections.abc import Iterator
from typing import Any


class UnknownEncoding(ValueError):
    """The bytes are no text that a spreadsheet or an editor would write."""


class NotJSON(ValueError):
    """A line, or a whole list, that is no JSON."""


def decoded(data: bytes) -> str:
    """The text in any encoding that spreadsheets write. Raises :class:`UnknownEncoding`."""
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if is_utf16 else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise UnknownEncoding


def json_rows(text: str) -> Iterator[tuple[int, Any]]:
    """Each row with its line; of a list, with its place. For a line that is no JSON, a
    :class:`NotJSON` stands in its place; a list that is none raises it, before anything is read."""
    if text.lstrip().startswith("["):
        return enumerate(_loaded(text), 1)
    return _lines(text)


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, _loaded(line)
            except NotJSON as error:
                yield number, error


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotJSON from error

"""Word lists from files: what can be read is read, and what cannot is told, line by line."""

import csv
import io
from dataclasses import dataclass

from moderation.text_files import UnknownEncoding, decoded
from moderation.words.lexicon import LONGEST_TERM, Word

LARGEST_FILE = 5 * 1024 * 1024
MOST_LINES = 200_000
MOST_PROBLEMS = 100
_ALLOWED = frozenset({"allowed", "allow", "white", "允许"})


class ImportRefused(ValueError):
    """The file is no word list at all; the text says why, to a person."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One line that was left out."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Imported:
    """The words of a file without repeats, and the lines that are none."""

    words: tuple[Word, ...]
    problems: tuple[Problem, ...]


def read(data: bytes, name: str, *, category: str) -> Imported:
    """Read a list.

    ``name`` ending in ``.csv``: rows with a header that has ``term`` and may have
    ``category`` and ``kind`` (``forbidden`` or ``allowed``). Anything else: a term a line,
    or ``term,category``; lines that begin with # are comments. ``category`` is for terms
    without one. UTF-8, UTF-16 with its mark, or GB 18030. Raises :class:`ImportRefused`.
    """
    if len(data) > LARGEST_FILE:
        raise ImportRefused(f"The file is larger than {LARGEST_FILE // 1024 // 1024} MB.")
    try:
        text = decoded(data)
    except UnknownEncoding:
        raise ImportRefused("The file is no text in UTF-8, UTF-16 or GB 18030.") from None
    if text.count("\n") > MOST_LINES:
        raise ImportRefused(f"The file has more than {MOST_LINES} lines.")
    rows = _csv_rows(text) if name.lower().endswith(".csv") else _txt_rows(text)
    words: dict[Word, None] = {}
    problems: list[Problem] = []
    for line, written, own_category, kind in rows:
        term = written.strip()
        allowed = kind.strip().lower() in _ALLOWED
        if reason := _refusal(term):
            if len(problems) < MOST_PROBLEMS:
                problems.append(Problem(line, reason))
        elif term:
            slug = "" if allowed else (own_category.strip().lower() or category)
            words[Word(term, slug[:40], allowed)] = None
    if not words and not problems:
        raise ImportRefused("The file has no words in it.")
    return Imported(tuple(words), tuple(problems))


def _txt_rows(text: str) -> list[tuple[int, str, str, str]]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#"):
            term, _, category = line.partition(",")
            rows.append((number, term, category, ""))
    return rows


def _csv_rows(text: str) -> list[tuple[int, str, str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=False)
        names = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
        if "term" not in names:
            raise ImportRefused(
                "The first row of a csv file names its columns; one is called term."
            )
        return [
            (
                reader.line_num,
                row[names["term"]] or "",
                row.get(names.get("category", ""), "") or "",
                row.get(names.get("kind", ""), "") or "",
            )
            for row in reader
        ]
    except csv.Error as error:
        raise ImportRefused(f"The csv file cannot be read: {error}.") from None


def _refusal(term: str) -> str:
    """Why a term cannot be in a list; empty when it can."""
    if len(term) > LONGEST_TERM:
        return f"longer than {LONGEST_TERM} characters"
    if term and not any(character.isalnum() for character in term):
        return "has no letter or digit"
    if not term.isprintable():
        return "has characters that nobody sees"
    return ""

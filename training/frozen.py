"""Frozen datasets as files: one JSON object a line, named for its own SHA-256, never changed."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, NamedTuple

from chat.inference.engine import ChatMessage

Split = Literal["train", "dev", "test"]


class DatasetDamaged(Exception):
    """The file is not what was frozen; the text is safe to show."""


@dataclass(frozen=True, slots=True)
class FrozenRow:
    """One example. ``messages`` end with the answer; rows of one ``group`` have the same right
    answer, rows of one ``cluster`` ask in nearly the same words and stand in one split."""

    id: str
    messages: tuple[ChatMessage, ...]
    group: str
    cluster: str
    split: Split
    locale: str
    scenario: str
    hands_over: bool
    source: str
    licence: str
    conversation: str | None = None
    author: str | None = None
    reviewer: str | None = None

    @property
    def question(self) -> str:
        """What the customer said last."""
        return next(
            (each["content"] for each in reversed(self.messages) if each["role"] == "user"), ""
        )

    @property
    def answer(self) -> str:
        return self.messages[-1]["content"]

    @property
    def is_dialogue(self) -> bool:
        """Whether the customer spoke more than once."""
        return len(self.messages) > 2


class Written(NamedTuple):
    sha256: str
    size: int
    path: Path


@dataclass(frozen=True, slots=True)
class Diff:
    """What distinguishes two versions. ``changed`` and ``moved`` are pairs of before and after:
    another text or label, and the same one in another split."""

    added: tuple[FrozenRow, ...]
    removed: tuple[FrozenRow, ...]
    changed: tuple[tuple[FrozenRow, FrozenRow], ...]
    moved: tuple[tuple[FrozenRow, FrozenRow], ...]


def digest(messages: Iterable[ChatMessage], locale: str) -> str:
    """What makes two examples the same one."""
    content = [locale, [[each["role"], each["content"]] for each in messages]]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def write_rows(folder: Path, rows: Iterable[FrozenRow]) -> Written:
    """Write a version below ``folder``; whoever looks sees a whole file or none.

    The same rows in the same order are the same file: it is written once, and written again
    only where it was damaged.
    """
    data = b"".join(_line(row) for row in rows)
    sha256 = hashlib.sha256(data).hexdigest()
    path = folder / f"{sha256}.jsonl"
    if not _is_whole(path, sha256):
        folder.mkdir(parents=True, exist_ok=True)
        _put(path, data)
    return Written(sha256, len(data), path)


def read_rows(path: Path, sha256: str) -> list[FrozenRow]:
    """All rows of a version. Raises :class:`DatasetDamaged`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetDamaged(f"{path.name} cannot be read: {error.strerror}.") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DatasetDamaged(f"{path.name} is not what was frozen.")
    try:
        return [_row(json.loads(line)) for line in data.splitlines()]
    except (ValueError, KeyError, TypeError):
        raise DatasetDamaged(f"{path.name} holds other rows than this version of csbot.") from None


def diff(before: Sequence[FrozenRow], after: Sequence[FrozenRow]) -> Diff:
    """An example that was corrected is known by its id; one that was imported again, by what
    was said before its answer."""
    by_id = {row.id: row for row in before}
    by_prompt = {_prompt(row): row for row in before}
    same_ids = {row.id for row in after} & by_id.keys()
    added, changed, moved = [], [], []
    gone = {row.id: row for row in before if row.id not in same_ids}
    for row in after:
        old = by_id.get(row.id) or by_prompt.get(_prompt(row))
        if old is None or (old.id != row.id and gone.pop(old.id, None) is None):
            added.append(row)
        elif _content(old) != _content(row):
            changed.append((old, row))
        elif old.split != row.split:
            moved.append((old, row))
    return Diff(tuple(added), tuple(gone.values()), tuple(changed), tuple(moved))


def _line(row: FrozenRow) -> bytes:
    content = {each.name: getattr(row, each.name) for each in fields(row)}
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def _row(data: dict[str, object]) -> FrozenRow:
    return FrozenRow(**{**data, "messages": tuple(data["messages"])})  # type: ignore[arg-type]


def _prompt(row: FrozenRow) -> tuple[str, ...]:
    return (row.locale, *(each["content"] for each in row.messages[:-1]))


def _content(row: FrozenRow) -> tuple[object, ...]:
    said = tuple((each["role"], each["content"]) for each in row.messages)
    return (said, row.group, row.locale, row.scenario, row.hands_over)


def _is_whole(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _put(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o444)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

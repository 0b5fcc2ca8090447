"""A chain of hashes over entries: whoever changes one has to change all that follow.

A chain alone does not show that its end was cut off and written anew: :mod:`moderation.audit.checkpoints`
keeps signed ends outside the database.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

GENESIS = bytes(32)
"""What stands before the first entry."""


class Link(NamedTuple):
    """One entry: its number from 1, its fields as text, and the hashes that it was written with."""

    seq: int
    fields: Sequence[str]
    content: bytes
    previous: bytes
    digest: bytes


class End(NamedTuple):
    """The newest entry of a chain."""

    seq: int
    digest: bytes


EMPTY = End(0, GENESIS)


class Broken(Exception):
    """The chain does not hold. ``seq`` is the first entry that is not what was written."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(f"entry {seq}: {reason}")
        self.seq = seq
        self.reason = reason


def content(fields: Sequence[str]) -> bytes:
    """SHA-256 of the fields, each after its length in characters: no two different lists read the same."""
    text = "".join([f"{len(field)}:{field}" for field in fields])
    return hashlib.sha256(text.encode()).digest()


def digest(seq: int, content: bytes, previous: bytes) -> bytes:
    """What ties an entry to its place and to the one before. PostgreSQL computes the same."""
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + content).digest()


def walk(links: Iterable[Link], start: End = EMPTY) -> Iterable[End]:
    """The end after each entry, in order. Raises :class:`Broken` at the first that does not hold."""
    expected, before = start
    for seq, fields, hashed, previous, found in links:
        expected += 1
        if seq != expected:
            raise Broken(expected, "is missing")
        if hashed != content(fields):
            raise Broken(seq, "its fields were changed")
        if previous != before:
            raise Broken(seq, "does not follow the one before")
        if found != digest(seq, hashed, previous):
            raise Broken(seq, "its hash was changed")
        before = found
        yield End(seq, found)

"""A chain of hashes over entries: whoever changes one has to change all that follow.

A chain alone does not show that its end was cut off and written anew: :mod:`moderation.audit.checkpoints`
keeps signed ends outside the database.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

GENESIS = bytes(32)
"""What stands before the first entry."""


Link = tuple[Any, ...]
"""One entry: its number from 1, its fields as text, and the hashes ``content``, ``previous`` and
``digest`` that it was written with. As flat as a row, because a long chain is mostly the making of objects."""


class End(NamedTuple):
    """The newest entry of a chain."""

    seq: int
    digest: bytes


EMPTY = End(0, GENESIS)
Signed = tuple[bytes, str]
"""The hash that an entry has to have, and what is wrong if it has another."""


class Broken(Exception):
    """The chain does not hold. ``seq`` is the first entry that is not what was written."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(f"entry {seq}: {reason}")
        self.seq = seq
        self.reason = reason


def content(fields: Sequence[str]) -> bytes:
    """SHA-256 of the eight fields, each after its length in characters: no two different lists read
    the same. Written out, because it is half of the work of checking a long chain.

    Raises ``TypeError`` and ``ValueError`` for what are no eight texts.
    """
    a, b, c, d, e, f, g, h = fields
    text = (
        f"{len(a)}:{a}{len(b)}:{b}{len(c)}:{c}{len(d)}:{d}"
        f"{len(e)}:{e}{len(f)}:{f}{len(g)}:{g}{len(h)}:{h}"
    )
    return hashlib.sha256(text.encode()).digest()


def digest(seq: int, content: bytes, previous: bytes) -> bytes:
    """What ties an entry to its place and to the one before. PostgreSQL computes the same."""
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + content).digest()


def follow(
    links: Iterable[Link], signed: Mapping[int, Sequence[Signed]], start: End = EMPTY
) -> End:
    """Where the chain ends that begins after ``start``, once every entry is what was written and
    has the hash of each of ``signed`` by its number; those beyond the end are nobody's business here.

    Nothing that is stored is believed: every hash is computed anew. Raises :class:`Broken`.
    """
    expected, before = start
    for link in links:
        expected += 1
        seq = link[0]
        if seq != expected:
            raise Broken(expected, "is missing")
        try:
            hashed = content(link[1:-3])
        except (TypeError, ValueError):
            # No text, or none that can be encoded.
            raise Broken(expected, "its fields were changed") from None
        if link[-3] != hashed:
            raise Broken(expected, "its fields were changed")
        if link[-2] != before:
            raise Broken(expected, "does not follow the one before")
        before = digest(expected, hashed, before)
        if link[-1] != before:
            raise Broken(expected, "its hash was changed")
        if expected in signed:
            for wanted, reason in signed[expected]:
                if wanted != before:
                    raise Broken(expected, reason)
    return End(expected, before)

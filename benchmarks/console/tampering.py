"""What a superuser of the database could do to the audit trail, with the guards taken away.

Each function changes it and returns the first and the last entry that a check may name.
"""
# ruff: noqa: S608 - names of our own table and its columns

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection

from moderation.audit import chain, guards
from moderation.models import AuditEntry, AuditHead

TABLE = guards.ENTRIES
Span = tuple[int, int]
TEXTS = ("time", "action", "actor_kind", "actor_id", "actor_name", "bot", "target", "facts")
HASHES = ("content", "previous", "digest")


def edit_a_field(draw: random.Random, seq: int) -> Span:
    _run(f"UPDATE {TABLE} SET {draw.choice(TEXTS)} = 'x' WHERE seq = %s", seq)
    return seq, seq


def edit_a_hash(draw: random.Random, seq: int) -> Span:
    AuditEntry.objects.filter(seq=seq).update(**{draw.choice(HASHES): draw.randbytes(32)})
    return seq, seq


def edit_the_number(draw: random.Random, seq: int) -> Span:
    wanted = draw.choice(["NULL", "seq + 100000", "-seq"])
    _run(f"UPDATE {TABLE} SET seq = {wanted} WHERE seq = %s", seq)
    return (1, 1) if wanted == "-seq" else (seq, seq)


def move_a_microsecond(draw: random.Random, seq: int) -> Span:
    entry = AuditEntry.objects.get(seq=seq)
    moved = datetime.fromisoformat(entry.time) + timedelta(microseconds=1)
    AuditEntry.objects.filter(seq=seq).update(time=moved.isoformat(timespec="microseconds"))
    return seq, seq


def edit_and_hash_again(draw: random.Random, seq: int) -> Span:
    _forge(AuditEntry.objects.get(seq=seq))
    return seq, seq + 1


def edit_and_hash_all_that_follow(draw: random.Random, seq: int) -> Span:
    """With the head, too: only a signed checkpoint shows it."""
    previous: bytes | None = None
    for entry in AuditEntry.objects.filter(seq__gte=seq).order_by("seq"):
        previous = _forge(entry, previous, edits=entry.seq == seq)
    AuditHead.objects.update(digest=previous)
    return seq, _last()


def delete_one(draw: random.Random, seq: int) -> Span:
    _run(f"DELETE FROM {TABLE} WHERE seq = %s", seq)
    return seq, seq


def insert_one(draw: random.Random, seq: int) -> Span:
    last = _last()
    _run(f"UPDATE {TABLE} SET seq = seq + 100000 WHERE seq >= %s", seq)
    _run(f"UPDATE {TABLE} SET seq = seq - 99999 WHERE seq >= %s", 100000)
    copied = AuditEntry.objects.get(seq=seq + 1)
    copied.pk, copied.seq, copied.target = None, seq, "x"
    copied.save(force_insert=True)
    return seq, last


def swap_two(draw: random.Random, seq: int) -> Span:
    other = seq - 1 if seq > 1 else seq + 1
    _run(f"UPDATE {TABLE} SET seq = -1 WHERE seq = %s", seq)
    _run(f"UPDATE {TABLE} SET seq = %s WHERE seq = %s", seq, other)
    _run(f"UPDATE {TABLE} SET seq = %s WHERE seq = -1", other)
    return min(seq, other), min(seq, other)


def cut_the_tail(draw: random.Random, seq: int) -> Span:
    _run(f"DELETE FROM {TABLE} WHERE seq >= %s", seq)
    return seq, seq


def restore_an_old_copy(draw: random.Random, seq: int) -> Span:
    """The tail cut and the head as it was then: the same."""
    _run(f"DELETE FROM {TABLE} WHERE seq >= %s", seq)
    last = AuditEntry.objects.order_by("seq").last()
    digest = chain.GENESIS if last is None else bytes(last.digest or b"")
    AuditHead.objects.update(seq=seq - 1, digest=digest)
    return seq, seq


def write_it_anew(draw: random.Random, seq: int) -> Span:
    """Everything from ``seq`` on replaced by other entries, so many that none is missed."""
    last = _last()
    restore_an_old_copy(draw, seq)
    head = AuditHead.objects.get()
    end = chain.End(head.seq, bytes(head.digest))
    while end.seq <= last:
        entry = AuditEntry(time="x", action="nothing.done", actor_kind="system", seq=end.seq + 1)
        entry.content, entry.previous = chain.content(entry.fields), end.digest
        entry.digest = chain.digest(end.seq + 1, entry.content, end.digest)
        entry.save(force_insert=True)
        end = chain.End(end.seq + 1, entry.digest)
    AuditHead.objects.update(seq=end.seq, digest=end.digest)
    return seq, last


MUTATIONS: tuple[Callable[[random.Random, int], Span], ...] = (
    edit_a_field, edit_a_hash, edit_the_number, move_a_microsecond, edit_and_hash_again,
    edit_and_hash_all_that_follow, delete_one, insert_one, swap_two, cut_the_tail,
    restore_an_old_copy, write_it_anew,
)  # fmt: skip


def _forge(entry: AuditEntry, previous: bytes | None = None, *, edits: bool = True) -> bytes:
    """Another entry in its place, as whole as it can be without the key; returns its hash."""
    assert entry.seq is not None
    if edits:
        entry.target = "x"
    entry.previous = previous or bytes(entry.previous or b"")
    entry.content = chain.content(entry.fields)
    entry.digest = chain.digest(entry.seq, entry.content, entry.previous)
    AuditEntry.objects.filter(pk=entry.pk).update(
        target=entry.target, previous=entry.previous, content=entry.content, digest=entry.digest
    )
    return entry.digest


def _last() -> int:
    return int(AuditHead.objects.get().seq)


def _run(sql: str, *values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)

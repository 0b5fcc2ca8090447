"""The one writer of the audit trail, and the one who checks it."""

import hashlib
import hmac
import itertools
import json
import re
import secrets
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from moderation.actors import Actor, current
from moderation.audit import chain, checkpoints
from moderation.audit.chain import EMPTY, Broken, End, Link, Signed
from moderation.audit.checkpoints import Checkpoint, Forged, Signer
from moderation.models import AuditEntry, AuditHead

_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_UNPRINTABLE = re.compile(r"[^ -~\u00a0-\U0010ffff]")
_BATCH = 5000
CHECKPOINT_ENTRIES = 100
"""A process that wrote so many entries signs the end, and does not wait for the schedule."""
_written = itertools.count(1)


class NotInTransaction(Exception):
    """An entry is only worth what it shares the fate of: the change it tells of."""


def record(
    action: str,
    *,
    target: str = "",
    bot: str = "",
    facts: Mapping[str, object] | None = None,
    by: Actor | None = None,
) -> AuditEntry:
    """Write down that something was done, in the transaction that does it, as its last statement.

    ``action`` is ``thing.past_tense``, ``target`` is ``kind:public-id``, ``bot`` a slug, ``facts`` are ids,
    counts, codes and settings before and after: nothing personal, use :func:`commitment` for that. Without
    ``by`` it was the current actor. What cannot be recorded may not happen: whatever is raised
    here undoes the change, too. Raises :class:`NotInTransaction`.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction(action)
    if not _ACTION.fullmatch(action):
        raise ValueError(action)
    actor = by or current()
    entry = AuditEntry(
        time=timezone.now().isoformat(timespec="microseconds"),
        action=action,
        actor_kind=actor.kind,
        actor_id=_line(actor.id, 64),
        actor_name=_line(actor.name, 150),
        bot=_line(bot, 50),
        target=_line(target, 120),
        facts=json.dumps(
            dict(facts or {}), ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ),
    )
    entry.content = chain.content(entry.fields)
    if next(_written) % CHECKPOINT_ENTRIES == 0:
        transaction.on_commit(make_checkpoint, robust=True)
    if connection.vendor == "postgresql":
        # A trigger puts it into the chain when the transaction commits: nobody waits for the
        # head of the chain while they hold anything that others wait for.
        entry.save(force_insert=True)
        return entry
    head = AuditHead.objects.first() or AuditHead(seq=0, digest=chain.GENESIS)
    entry.seq, entry.previous = head.seq + 1, bytes(head.digest)
    entry.digest = chain.digest(entry.seq, entry.content, entry.previous)
    entry.save(force_insert=True)
    head.seq, head.digest = entry.seq, entry.digest
    head.save()
    return entry


def commitment(value: str) -> str:
    """Something personal as it may stand in facts: who has the value can show that it was meant,
    nobody can find it by trying. Erasing the value leaves the entry as it is."""
    salt = secrets.token_bytes(16)
    digest = hmac.digest(_commitment_key(), salt + value.encode(), hashlib.sha256)
    return f"{salt.hex()}:{digest.hex()}"


def is_committed(value: str, to: str) -> bool:
    """Whether ``value`` is what a commitment was made to."""
    salt, _, digest = to.partition(":")
    found = hmac.digest(_commitment_key(), bytes.fromhex(salt) + value.encode(), hashlib.sha256)
    return hmac.compare_digest(found.hex(), digest)


@dataclass(frozen=True, slots=True)
class Verified:
    """The chain holds up to ``end``, and ``checkpoints`` signed ends are in it."""

    end: End
    checkpoints: int
    newest: Checkpoint | None


def verify(others: Iterable[Checkpoint] = ()) -> Verified:
    """Walk the whole chain and compare it with every checkpoint on this machine and in ``others``.

    Raises :class:`~moderation.audit.chain.Broken`, which names the first entry that is not what
    was written, and :class:`~moderation.audit.checkpoints.Forged`.
    """
    known = [*checkpoints.read(checkpoints_file()), *others]
    # Before and after: entries are written meanwhile, and the head only grows.
    head = _head()
    with closing(_links()) as links:
        found = verify_links(links, known, head)
    if (now := _head()).seq < found.end.seq:
        raise Broken(now.seq + 1, "follows the head")
    if AuditEntry.objects.filter(seq=None).exists():
        raise Broken(found.end.seq + 1, "never came into the chain")
    return found


def verify_links(links: Iterable[Link], known: Iterable[Checkpoint], head: End = EMPTY) -> Verified:
    """The same for entries from anywhere. Raises as :func:`verify`."""
    known = sorted(known, key=lambda each: each.seq)
    key = signer()
    for each in known:
        key.check(each)
    wanted = {each.end: "is not the entry that was signed" for each in known}
    if head.seq:
        wanted.setdefault(head, "is not the entry that was the head")
    end = _compared(links, wanted)
    return Verified(end, len(known), known[-1] if known else None)


def _compared(links: Iterable[Link], wanted: Mapping[End, str]) -> End:
    """The end of a chain on which each end of ``wanted`` lies; the text says why one does not."""
    signed: dict[int, list[Signed]] = {}
    for (seq, digest), reason in wanted.items():
        signed.setdefault(seq, []).append((digest, reason))
    end = chain.follow(links, signed)
    if max(signed, default=0) > end.seq:
        raise Broken(end.seq + 1, "is missing, though later ones were signed or the head")
    return end


def _head() -> End:
    head = AuditHead.objects.first()
    return EMPTY if head is None else End(head.seq, bytes(head.digest))


def make_checkpoint() -> Checkpoint | None:
    """Sign the end of the chain, and keep that outside the database; None when it is signed already."""
    end = _head()
    newest = newest_checkpoint()
    if end.seq == 0 or (newest is not None and newest.seq >= end.seq):
        return None
    made = signer().checkpoint(end, timezone.now().isoformat(timespec="seconds"))
    checkpoints.append(checkpoints_file(), made)
    return made


def newest_checkpoint() -> Checkpoint | None:
    """Raises :class:`~moderation.audit.checkpoints.Forged` for a damaged file."""
    return max(checkpoints.tail(checkpoints_file()), key=lambda each: each.seq, default=None)


def checkpoints_file() -> Path:
    return Path(settings.VAR_DIR) / "audit" / "checkpoints.jsonl"


def signer() -> Signer:
    return Signer(settings.AUDIT_KEY)


def _links() -> Generator[Link]:
    """Straight from the database: of a long chain, making objects of rows would be most of the work."""
    columns = ("seq", *AuditEntry.HASHED, "content", "previous", "digest")
    named = ", ".join(map(connection.ops.quote_name, columns))
    table = connection.ops.quote_name(AuditEntry._meta.db_table)  # noqa: SLF001 - public by name
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {named} FROM {table} WHERE seq IS NOT NULL ORDER BY seq")  # noqa: S608
        while rows := cursor.fetchmany(_BATCH):
            yield from rows


def _commitment_key() -> bytes:
    return hashlib.sha256(b"commitment" + settings.AUDIT_KEY.encode()).digest()


def _line(text: str, longest: int) -> str:
    """On one line, without what a terminal or a log would obey."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)[:longest]


__all__ = [
    "Broken", "Forged", "NotInTransaction", "Verified", "commitment", "is_committed",
    "make_checkpoint", "newest_checkpoint", "record", "verify",
]  # fmt: skip

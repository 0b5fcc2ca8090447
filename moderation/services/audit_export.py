"""The audit trail as lines that anybody can check, without csbot or its database."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from moderation.audit.chain import Broken, Link
from moderation.models import AuditEntry

HASHES = ("content", "previous", "digest")


def lines(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    """JSONL, oldest first; ``facts`` stays the text that was hashed."""
    rows = entries.order_by("seq").exclude(seq=None)
    for row in rows.values_list("seq", *AuditEntry.HASHED, *HASHES).iterator(chunk_size=2000):
        found: dict[str, Any] = dict(zip(("seq", *AuditEntry.HASHED), row, strict=False))
        found |= {
            name: bytes(each or b"").hex() for name, each in zip(HASHES, row[-3:], strict=True)
        }
        yield json.dumps(found, ensure_ascii=False) + "\n"


def links(text: Iterable[str]) -> Iterator[Link]:
    """The entries of an export. Raises :class:`~moderation.audit.chain.Broken` for a line that is none."""
    for number, line in enumerate(text, start=1):
        try:
            found = json.loads(line)
            hashes = [bytes.fromhex(found[name]) for name in HASHES]
            fields = [str(found[name]) for name in AuditEntry.HASHED]
            yield int(found["seq"]), *fields, *hashes
        except (ValueError, KeyError, TypeError):
            raise Broken(number, "is no entry") from None

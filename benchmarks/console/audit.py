"""The audit trail: how fast it is written and checked, and what changes of it go unnoticed."""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, transaction
from django.utils import timezone

from benchmarks.console.tampering import MUTATIONS
from benchmarks.machine import Figure, figure
from moderation.audit import chain, guards
from moderation.models import AuditEntry, AuditHead
from moderation.services import audit

ENTRIES = 100_000
WRITES = 2_000
TAMPERED = 1_000
SMALL = 60
LEAST_WRITTEN = 300
LEAST_VERIFIED = 100_000


def measure(scale: float = 1.0) -> list[Figure]:
    """Needs an empty, migrated database; leaves its entries there."""
    vendor = connection.vendor
    found = [_tampering(round(TAMPERED * scale), vendor)]
    found += [_writing(round(WRITES * scale), writers, vendor) for writers in (1, 8)]
    _fill(round(ENTRIES * scale))
    audit.make_checkpoint()
    rates = [_verify() for _ in range(3)]
    name = f"audit: entries verified ({vendor})"
    found.append(figure(name, "entries/s", [wall for wall, _ in rates], at_least=LEAST_VERIFIED))
    # What it takes of a core, whatever else the machine does at the same time.
    found.append(
        figure(f"{name}, of this process's own time", "entries/s", [own for _, own in rates])
    )
    return found


def _tampering(rounds: int, vendor: str) -> Figure:
    """Every change is undone afterwards, by the transaction that it was made in."""
    for number in range(SMALL):
        _write(number)
        if number % 20 == 19:
            audit.make_checkpoint()
    with connection.cursor() as cursor:
        guards.remove(cursor, vendor)
    draw, noticed = random.Random(6), 0
    for _ in range(rounds):
        with transaction.atomic():
            span = draw.choice(MUTATIONS)(draw, draw.randint(1, SMALL))
            try:
                audit.verify()
            except audit.Broken as broken:
                noticed += span[0] <= broken.seq <= span[1]
            transaction.set_rollback(True)
    audit.verify()
    with connection.cursor() as cursor:
        guards.put_back(cursor, vendor)
    name = f"audit: {rounds} changes by a superuser noticed, the entry named ({vendor})"
    return figure(name, "%", [100 * noticed / rounds], at_least=100)


def _writing(count: int, writers: int, vendor: str) -> Figure:
    def work() -> None:
        try:
            for number in range(count // writers):
                _write(number)
                if vendor == "postgresql":
                    # Back to the pool, which is smaller, as after each request.
                    connection.close()
        finally:
            connection.close()

    with ThreadPoolExecutor(writers) as pool:
        began = time.perf_counter()
        # A writer that fails is no figure.
        for each in [pool.submit(work) for _ in range(writers)]:
            each.result()
    rate = (count // writers * writers) / (time.perf_counter() - began)
    name = f"audit: entries written, a transaction each, {writers} at once ({vendor})"
    return figure(name, "entries/s", [rate], at_least=LEAST_WRITTEN)


def _fill(wanted: int) -> None:
    """Many in one transaction: only their number matters. PostgreSQL chains them itself."""
    while (missing := wanted - AuditEntry.objects.count()) > 0:
        with transaction.atomic():
            entries = [_entry(number) for number in range(min(missing, 5000))]
            if connection.vendor != "postgresql":
                _chain(entries)
            AuditEntry.objects.bulk_create(entries, batch_size=500)


def _entry(number: int) -> AuditEntry:
    entry = AuditEntry(
        time=timezone.now().isoformat(timespec="microseconds"),
        actor_kind="system",
        actor_name="csbot",
        action="message.posted",
        target=_target(number),
        bot="shop",
        facts=json.dumps(_facts(number), sort_keys=True, separators=(",", ":")),
    )
    entry.content = chain.content(entry.fields)
    return entry


def _chain(entries: list[AuditEntry]) -> None:
    head = AuditHead.objects.get()
    for entry in entries:
        content, previous = bytes(entry.content), bytes(head.digest)
        entry.seq, entry.previous = head.seq + 1, previous
        entry.digest = chain.digest(entry.seq, content, previous)
        head.seq, head.digest = entry.seq, entry.digest
    head.save()


def _verify() -> tuple[float, float]:
    """Entries a second: as the clock on the wall says, and of the processor's time alone."""
    began, began_own = time.perf_counter(), time.process_time()
    seq = audit.verify().end.seq
    return seq / (time.perf_counter() - began), seq / (time.process_time() - began_own)


def _write(number: int) -> None:
    with transaction.atomic():
        _record(number)


def _record(number: int) -> None:
    audit.record(
        "message.posted",
        target=_target(number),
        bot="shop",
        facts=_facts(number),
    )


def _target(number: int) -> str:
    return f"message:3f6b8f0e-5b1e-4b0f-9d55-{number:012d}"


def _facts(number: int) -> dict[str, str]:
    return {"conversation": f"8c0a2a3a-0000-4000-8000-{number:012d}", "status": "sent"}

"""The audit trail: how fast it is written and checked, and what changes of it go unnoticed."""

import random
import threading
import time

from django.db import connection, transaction

from benchmarks.console.tampering import MUTATIONS
from benchmarks.machine import Figure, figure
from moderation.audit import guards
from moderation.models import AuditEntry
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
    found.append(
        figure(
            f"audit: entries verified ({vendor})",
            "entries/s",
            [_verify() for _ in range(3)],
            at_least=LEAST_VERIFIED,
        )
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
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(writers)]
    began = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    rate = (count // writers * writers) / (time.perf_counter() - began)
    name = f"audit: entries written, a transaction each, {writers} at once ({vendor})"
    return figure(name, "entries/s", [rate], at_least=LEAST_WRITTEN)


def _fill(wanted: int) -> None:
    """Many in one transaction: only their number matters."""
    while (missing := wanted - AuditEntry.objects.count()) > 0:
        with transaction.atomic():
            for number in range(min(missing, 5000)):
                _record(number)


def _verify() -> float:
    began = time.perf_counter()
    return audit.verify().end.seq / (time.perf_counter() - began)


def _write(number: int) -> None:
    with transaction.atomic():
        _record(number)


def _record(number: int) -> None:
    audit.record(
        "message.posted",
        target=f"message:3f6b8f0e-5b1e-4b0f-9d55-{number:012d}",
        bot="shop",
        facts={"conversation": f"8c0a2a3a-0000-4000-8000-{number:012d}", "status": "sent"},
    )

"""Whatever a superuser of the database does to the audit trail is noticed, and the entry named."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError
from pytest_django import Settings

from benchmarks.console.tampering import MUTATIONS
from moderation.audit import guards
from moderation.models import AuditEntry
from moderation.services import audit

pytestmark = pytest.mark.django_db(transaction=True)

ENTRIES = 30
ROUNDS = 72
ROLE = "csbot_test_app"


def write(count: int) -> None:
    for number in range(count):
        with transaction.atomic():
            audit.record("thing.done", target=f"thing:{number}", facts={"number": number})


@pytest.fixture(autouse=True)
def _own_checkpoints(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VAR_DIR = tmp_path
    # Whatever other tests wrote: a checkpoint is made where one is meant.
    monkeypatch.setattr(audit, "_written", itertools.count(1))


def test_every_change_is_noticed() -> None:
    for _ in range(3):
        write(ENTRIES // 3)
        audit.make_checkpoint()
    draw = random.Random(7)
    for number in range(ROUNDS):
        mutation = MUTATIONS[number % len(MUTATIONS)]
        with transaction.atomic():
            first, last = mutation(draw, draw.randint(1, ENTRIES))
            with pytest.raises(audit.Broken) as found:
                audit.verify()
            assert first <= found.value.seq <= last, mutation.__name__
            transaction.set_rollback(True)
    assert audit.verify().end.seq == ENTRIES


def test_the_trail_holds_while_others_write() -> None:
    """What is written between two looks at the head is no fault."""
    write(3)
    links = audit._links

    def later() -> Iterator[object]:
        write(2)
        return links()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "_links", later)
        assert audit.verify().end.seq == 5


@pytest.fixture
def app_role() -> Iterator[None]:
    """The database as it is in production: guarded, and csbot a role that owns nothing."""
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has roles")
    with connection.cursor() as cursor:
        guards.put_back(cursor, "postgresql")
        cursor.execute(f"CREATE ROLE {ROLE}")
    call_command("grant_audit_role", ROLE)
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {ROLE}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(f"DROP OWNED BY {ROLE}")
        cursor.execute(f"DROP ROLE {ROLE}")
        guards.remove(cursor, "postgresql")


@pytest.mark.usefixtures("app_role")
def test_the_role_of_csbot_reads_and_adds_and_changes_nothing() -> None:
    write(2)
    assert audit.verify().end.seq == 2
    for statement in (
        f"UPDATE {guards.ENTRIES} SET action = 'x'",
        f"DELETE FROM {guards.ENTRIES}",
        f"TRUNCATE {guards.ENTRIES}",
        f"DROP TABLE {guards.ENTRIES}",
        f"ALTER TABLE {guards.ENTRIES} DISABLE TRIGGER ALL",
        f"UPDATE {guards.HEAD} SET seq = 0",
    ):
        with (
            pytest.raises(DatabaseError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert AuditEntry.objects.count() == 2

"""The audit trail tells what happened, and shows whatever somebody does to it afterwards."""

import hashlib
import itertools
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.utils import Error
from hypothesis import given
from hypothesis import strategies as st

from moderation.actors import Actor, acting, current
from moderation.audit import chain, guards
from moderation.audit.checkpoints import Forged
from moderation.models import AuditEntry, AuditHead
from moderation.services import audit
from moderation.services.audit import Broken, NotInTransaction

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = guards.ENTRIES


@pytest.fixture(autouse=True)
def _own_checkpoints(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VAR_DIR = tmp_path
    # Whatever other tests wrote: a checkpoint is made where one is meant.
    monkeypatch.setattr(audit, "_written", itertools.count(1))


@pytest.fixture
def guarded() -> Iterator[None]:
    with connection.cursor() as cursor:
        guards.put_back(cursor, connection.vendor)
    yield
    with connection.cursor() as cursor:
        guards.remove(cursor, connection.vendor)


def write(count: int, action: str = "thing.done") -> None:
    for number in range(count):
        with transaction.atomic():
            audit.record(action, target=f"thing:{number}", facts={"number": number})


def run(sql: str, *values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_an_entry_says_who_did_what_to_what() -> None:
    with acting(Actor("person", "7", "curator")), transaction.atomic():
        audit.record("example.approved", target="example:1", bot="shop", facts={"rows": 2})
    entry = AuditEntry.objects.get()
    assert (entry.seq, entry.action, entry.target, entry.bot) == (
        1, "example.approved", "example:1", "shop",
    )  # fmt: skip
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("person", "7", "curator")
    assert entry.facts == '{"rows":2}'
    assert current().kind == "system", "afterwards it is csbot itself again"


def test_the_chain_holds_and_goes_on_after_a_checkpoint() -> None:
    write(3)
    made = audit.make_checkpoint()
    assert made is not None
    assert audit.make_checkpoint() is None, "nothing was written since"
    write(2)
    found = audit.verify()
    assert (found.end.seq, found.checkpoints, found.newest) == (5, 1, made)


def test_what_is_rolled_back_leaves_no_entry_and_no_gap() -> None:
    write(1)
    with transaction.atomic():
        audit.record("thing.done")
        transaction.set_rollback(True)
    write(1)
    assert [each.seq for each in AuditEntry.objects.order_by("seq")] == [1, 2]
    audit.verify()


def test_outside_a_transaction_nothing_is_recorded() -> None:
    with pytest.raises(NotInTransaction):
        audit.record("thing.done")


def test_what_cannot_be_recorded_does_not_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bytes:
        raise DatabaseError

    monkeypatch.setattr(chain, "content", fails)

    def change() -> None:
        with transaction.atomic():
            AuditHead.objects.create(pk=9, seq=0, digest=b"")
            audit.record("thing.done")

    with pytest.raises(DatabaseError):
        change()
    assert not AuditHead.objects.filter(pk=9).exists()


def test_writers_at_the_same_time_make_one_chain() -> None:
    def work() -> None:
        try:
            write(10)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert audit.verify().end.seq == 40


_ALL = (
    "time, action, actor_kind, actor_id, actor_name, bot, target, facts, content, previous, digest"
)
STATEMENTS = (
    f"UPDATE {TABLE} SET action = 'nothing.done'",
    f"UPDATE {TABLE} SET digest = NULL",
    f"DELETE FROM {TABLE}",
    f"INSERT INTO {TABLE} (seq, {_ALL}) SELECT 9, {_ALL} FROM {TABLE}",
)


@pytest.mark.parametrize("statement", STATEMENTS, ids=["update", "unhash", "delete", "insert"])
@pytest.mark.usefixtures("guarded")
def test_the_database_refuses_whatever_is_no_new_end(statement: str) -> None:
    write(1)
    with pytest.raises(Error, match="written once"), transaction.atomic():
        run(statement)
    assert audit.verify().end.seq == 1


@pytest.mark.usefixtures("guarded")
def test_postgresql_keeps_the_head_and_refuses_to_truncate() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite knows no TRUNCATE, and its head is compared with the last entry")
    write(1)
    for statement in (
        f"TRUNCATE {TABLE}", f"TRUNCATE {guards.HEAD}", f"UPDATE {guards.HEAD} SET seq = 0",
        f"DELETE FROM {guards.HEAD}",
    ):  # fmt: skip
        with pytest.raises(Error, match="written once"), transaction.atomic():
            run(statement)


COLUMNS = ("time", "action", "actor_kind", "actor_id", "actor_name", "bot", "target", "facts")


def change_a_field(draw: random.Random, seq: int) -> int:
    run(f"UPDATE {TABLE} SET {draw.choice(COLUMNS)} = 'x' WHERE seq = %s", seq)
    return seq


def change_and_hash_again(draw: random.Random, seq: int) -> int:
    entry = AuditEntry.objects.get(seq=seq)
    entry.facts = '{"number":99}'
    entry.content = chain.content(entry.fields)
    entry.digest = chain.digest(seq, entry.content, bytes(entry.previous or b""))
    AuditEntry.objects.filter(pk=entry.pk).update(
        facts=entry.facts, content=entry.content, digest=entry.digest
    )
    # The next one does not follow any more; the last one was signed.
    return min(seq + 1, 6)


def delete_one(draw: random.Random, seq: int) -> int:
    run(f"DELETE FROM {TABLE} WHERE seq = %s", seq)
    return seq


def swap_two(draw: random.Random, seq: int) -> int:
    other = seq - 1 if seq > 1 else seq + 1
    run(f"UPDATE {TABLE} SET seq = -1 WHERE seq = %s", seq)
    run(f"UPDATE {TABLE} SET seq = %s WHERE seq = %s", seq, other)
    run(f"UPDATE {TABLE} SET seq = %s WHERE seq = -1", other)
    return min(seq, other)


def insert_one(draw: random.Random, seq: int) -> int:
    run(f"UPDATE {TABLE} SET seq = seq + 1000 WHERE seq >= %s", seq)
    run(f"UPDATE {TABLE} SET seq = seq - 999 WHERE seq >= 1000")
    copied = AuditEntry.objects.get(seq=seq + 1)
    copied.pk, copied.seq, copied.target = None, seq, "x"
    if connection.vendor == "postgresql":
        run(f"ALTER TABLE {TABLE} DISABLE TRIGGER audit_chain")
    copied.save()
    if connection.vendor == "postgresql":
        run(f"ALTER TABLE {TABLE} ENABLE TRIGGER audit_chain")
    return seq


def cut_the_tail(draw: random.Random, seq: int) -> int:
    run(f"DELETE FROM {TABLE} WHERE seq >= %s", seq)
    return seq


def cut_the_tail_and_write_the_head_anew(draw: random.Random, seq: int) -> int:
    run(f"DELETE FROM {TABLE} WHERE seq >= %s", seq)
    last = AuditEntry.objects.order_by("seq").last()
    end = (0, chain.GENESIS) if last is None else (last.seq, bytes(last.digest or b""))
    AuditHead.objects.update(seq=end[0], digest=end[1])
    return seq


TAMPERING: tuple[Callable[[random.Random, int], int], ...] = (
    change_a_field,
    change_and_hash_again,
    delete_one,
    swap_two,
    insert_one,
    cut_the_tail,
    cut_the_tail_and_write_the_head_anew,
)


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda each: each.__name__)
def test_the_first_entry_that_is_not_as_written_is_named(
    tamper: Callable[[random.Random, int], int],
) -> None:
    draw = random.Random(tamper.__name__)
    write(6)
    audit.make_checkpoint()
    for seq in (1, 3, 6):
        kept = list(AuditEntry.objects.order_by("seq"))
        head = AuditHead.objects.get()
        broken = tamper(draw, seq)
        with pytest.raises(Broken) as found:
            audit.verify()
        assert found.value.seq == broken
        restore(kept, head)
    audit.verify()


def restore(kept: list[AuditEntry], head: AuditHead) -> None:
    if connection.vendor == "postgresql":
        run(f"ALTER TABLE {TABLE} DISABLE TRIGGER audit_chain")
    AuditEntry.objects.all().delete()
    AuditEntry.objects.bulk_create(kept)
    head.save()
    if connection.vendor == "postgresql":
        run(f"ALTER TABLE {TABLE} ENABLE TRIGGER audit_chain")


def test_an_old_copy_of_the_whole_table_is_noticed() -> None:
    write(3)
    kept, head = list(AuditEntry.objects.all()), AuditHead.objects.get()
    write(3)
    audit.make_checkpoint()
    restore(kept, head)
    with pytest.raises(Broken) as found:
        audit.verify()
    assert found.value.seq == 4


def test_a_history_written_anew_from_the_start_is_noticed() -> None:
    write(3)
    audit.make_checkpoint()
    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()
    write(3, "other.done")
    with pytest.raises(Broken, match="signed"):
        audit.verify()


def test_a_checkpoint_that_nobody_signed_is_noticed() -> None:
    write(2)
    audit.make_checkpoint()
    place = audit.checkpoints_file()
    place.write_text(place.read_text().replace('"seq": 2', '"seq": 1'))
    with pytest.raises(Forged):
        audit.verify()


def test_a_checkpoint_that_was_torn_off_while_written_is_passed_over() -> None:
    write(2)
    audit.make_checkpoint()
    with audit.checkpoints_file().open("a") as file:
        file.write('{"seq": 3, "dig')
    assert audit.verify().checkpoints == 1


def test_a_commitment_shows_nothing_and_can_be_shown() -> None:
    made = audit.commitment("138 0013 8000")
    assert "138" not in made
    assert made != audit.commitment("138 0013 8000")
    assert audit.is_committed("138 0013 8000", to=made)
    assert not audit.is_committed("138 0013 8001", to=made)


@given(st.text(max_size=300))
def test_whatever_somebody_is_called_an_entry_is_one_line(name: str) -> None:
    with transaction.atomic():
        entry = audit.record("thing.done", by=Actor("person", "1", name))
        transaction.set_rollback(True)
    assert len(entry.actor_name) <= 150
    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in entry.actor_name)


_FIELDS = st.tuples(*[st.text(max_size=3)] * 8)


@given(_FIELDS, _FIELDS)
def test_no_two_lists_of_fields_read_the_same(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (chain.content(one) == chain.content(other)) == (one == other)


@given(_FIELDS)
def test_fields_are_hashed_as_the_document_says(fields: tuple[str, ...]) -> None:
    """Each as its length in code points, a colon and itself: others check exports by it."""
    said = "".join(f"{len(each)}:{each}" for each in fields)
    assert chain.content(fields) == hashlib.sha256(said.encode()).digest()


@pytest.mark.parametrize("instead", [None, 5, b"x", "\ud800"], ids=repr)
def test_what_is_no_text_is_named_and_stops_nothing_else(instead: object) -> None:
    fields = ["t", "thing.done", "system", "", "", "", "", "{}"]
    content = chain.content(fields)
    whole = (1, *fields, content, chain.GENESIS, chain.digest(1, content, chain.GENESIS))
    assert chain.follow([whole], {}).seq == 1
    with pytest.raises(Broken) as found:
        chain.follow([(*whole[:3], instead, *whole[4:])], {})
    assert (found.value.seq, found.value.reason) == (1, "its fields were changed")

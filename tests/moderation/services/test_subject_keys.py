"""Every conversation's originals have a key of their own: destroyed with it, copies are noise."""

from importlib import import_module

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from pytest_django import Settings

from moderation.encryption import Undecipherable
from moderation.findings import Direction
from moderation.models import AuditEntry, ModerationCase, Original, Reveal, SubjectKey
from moderation.services import erasing, originals, subject_keys
from moderation.services.screening import screen

pytestmark = pytest.mark.django_db

PHONE = "13812345678"


def said(text: str, scope: str) -> None:
    screen(text, Direction.INBOUND, scope=scope)


def read(original: Original) -> str:
    root = User.objects.filter(username="root").first() or User.objects.create_superuser("root")
    return originals.reveal(original, by=root, reason="a test reads it")


def test_each_conversation_has_one_key() -> None:
    for text, scope in ((f"call {PHONE}", "a"), ("or ann@shop.example", "a"), (PHONE, "b")):
        said(text, scope)

    assert sorted(SubjectKey.objects.values_list("scope", flat=True)) == ["a", "b"]
    assert subject_keys.key_of("a") != subject_keys.key_of("b")
    assert subject_keys.get_or_make("a") == subject_keys.key_of("a")
    assert [read(each) for each in Original.objects.filter(scope="a").order_by("pk")] == [
        PHONE,
        "ann@shop.example",
    ]


def test_a_backup_is_unreadable_without_the_key() -> None:
    said(f"call {PHONE}", "a")
    said(f"call {PHONE}", "b")
    backup = Original.objects.get(scope="a")

    erasing.erase({"a"})
    Original.objects.bulk_create([backup])

    with pytest.raises(Undecipherable):
        read(backup)
    # A key that is made for the same conversation later is another one.
    subject_keys.get_or_make("a")
    with pytest.raises(Undecipherable):
        read(backup)
    assert read(Original.objects.get(scope="b")) == PHONE


def test_an_original_is_read_in_its_own_place_alone() -> None:
    said(f"call {PHONE}", "a")
    Original.objects.update(number=7)

    with pytest.raises(Undecipherable):
        read(Original.objects.get())


def test_everything_of_a_scope_goes_and_nothing_else() -> None:
    for scope in ("a", "b"):
        said(f"cocaine to {PHONE}", scope)
        read(Original.objects.get(scope=scope))
    expected = {"subject_keys": 1, "originals": 1, "moderation_cases": 1}

    assert erasing.count({"a"}) == expected
    assert erasing.erase({"a"}) == expected
    assert erasing.count({"a"}).total() == 0
    assert ModerationCase.objects.get().scope == "b"
    looks = dict(Reveal.objects.values_list("scope", "reason"))
    assert looks == {"a": "", "b": "a test reads it"}


@pytest.mark.parametrize("asked", ["+86 138-1234-5678", "it is 138 1234 5678", PHONE])
def test_people_are_found_by_what_they_gave_however_it_is_written(asked: str) -> None:
    said(f"call {PHONE}", "a")
    said("or 一三八 1234 5678", "b")
    said("not 13912345678", "c")

    assert erasing.scopes_naming(asked) == {"a", "b"}
    assert erasing.scopes_naming("ann@shop.example") == set()
    assert erasing.scopes_naming("nobody") == set()


def test_that_data_keys_were_rotated_is_on_record() -> None:
    said(f"call {PHONE}", "a")

    call_command("rotate_data_keys")

    entry = AuditEntry.objects.get(action="data_keys.rotated")
    assert entry.facts == '{"subject_keys":1}'


def test_data_keys_rotate(settings: Settings) -> None:
    said(f"call {PHONE}", "a")
    old = settings.DATA_KEYS[0]
    settings.DATA_KEYS = [Fernet.generate_key().decode(), old]

    assert erasing.scopes_naming(PHONE) == {"a"}
    assert subject_keys.rewrap_all() == 1
    settings.DATA_KEYS = settings.DATA_KEYS[:1]
    assert read(Original.objects.get()) == PHONE
    settings.DATA_KEYS = [old]
    with pytest.raises(Undecipherable):
        read(Original.objects.get())


def test_older_originals_get_a_key_of_their_conversation(settings: Settings) -> None:
    migration = import_module("moderation.migrations.0003_seal_originals")
    said(f"call {PHONE}", "a")
    said(f"or ann@shop.example and {PHONE}", "b")

    migration.unseal(apps, None)
    stored = bytes(Original.objects.get(scope="a").ciphertext)
    assert Fernet(settings.DATA_KEYS[0]).decrypt(stored) == PHONE.encode()
    Original.objects.update(locator=b"")
    SubjectKey.objects.all().delete()
    unreadable = Original.objects.create(
        scope="c", kind="phone", number=1, digest=b"c", ciphertext=b"of a lost key"
    )
    migration.seal(apps, None)

    assert read(Original.objects.get(scope="a")) == PHONE
    assert read(Original.objects.get(scope="b", kind="email")) == "ann@shop.example"
    assert erasing.scopes_naming(PHONE) == {"a", "b"}
    with pytest.raises(Undecipherable):
        read(unreadable)

"""What screening leaves behind: placeholders that stay, ciphertext, cases; and that it fails closed."""

import logging

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from moderation import current
from moderation.findings import Action, Direction
from moderation.models import ModerationCase, Original, PolicyVersion
from moderation.services import originals, policies
from moderation.services.screening import ScreenedStream, screen

pytestmark = pytest.mark.django_db

PHONE = "13812345678"


def said(text: str, scope: str = "s") -> str:
    return screen(text, Direction.INBOUND, scope=scope).text


def original_of(scope: str) -> str:
    admin = User.objects.create_superuser("root")
    return originals.reveal(Original.objects.get(scope=scope), by=admin, reason="a test reads it")


def test_a_value_keeps_its_placeholder_in_its_conversation() -> None:
    assert said(f"call {PHONE}") == "call [PHONE_1]"
    assert said(f"or 13912345678, not {PHONE}") == "or [PHONE_2], not [PHONE_1]"
    assert said("一三九 1234 5678") == "[PHONE_2]"
    assert said("my 13912345678", scope="another") == "my [PHONE_1]"


def test_originals_are_stored_as_ciphertext() -> None:
    said(f"call {PHONE}")

    original = Original.objects.get()
    stored = (original.ciphertext, original.digest, original.locator)
    assert PHONE.encode() not in b"".join(map(bytes, stored))
    assert original_of("s") == PHONE


def test_keys_can_be_rotated(settings: Settings) -> None:
    said(f"call {PHONE}")
    settings.DATA_KEYS = ["9r3mO1mQ5v6JtqQy8Vt7cDg2v4gq7m0y0m3mVj2R1qA=", *settings.DATA_KEYS]

    assert original_of("s") == PHONE
    assert said(f"again {PHONE}") == "again [PHONE_1]"


def test_a_case_holds_no_personal_data() -> None:
    screen(f"cocaine to {PHONE}", Direction.INBOUND, scope="s", reference="m")

    case = ModerationCase.objects.get()
    assert case.excerpt == "cocaine to [PHONE_1]"
    assert (case.scope, case.reference, case.action) == ("s", "m", "review")
    assert [case.excerpt[each["start"] : each["end"]] for each in case.findings] == [
        "cocaine",
        "[PHONE_1]",
    ]
    assert PHONE not in str(case.findings)


def test_without_a_policy_that_works_everything_is_blocked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    PolicyVersion.objects.create(number=1, rules={"nonsense": 1}, is_active=True)
    monkeypatch.setattr(current, "_loaded", None)

    verdict = screen("good morning", Direction.INBOUND, scope="s")

    assert (verdict.action, verdict.text) == (Action.BLOCK, "")
    with pytest.raises(KeyError):
        ScreenedStream(Direction.OUTBOUND, scope="s", reference="m")


def test_a_version_that_does_not_load_leaves_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(current, "_loaded", ((0, timezone.now()), current.built_in_policy()))
    PolicyVersion.objects.create(number=1, rules={"nonsense": 1}, is_active=True)

    assert not screen("good morning", Direction.INBOUND, scope="s").is_blocked


def test_what_a_model_says_is_masked_and_reported() -> None:
    stream = ScreenedStream(Direction.OUTBOUND, scope="s", reference="m")
    shown = stream.guard.push(f"Ring {PHONE}, you bast") + stream.guard.push("ard! ")
    stream.conclude()

    assert shown == "Ring [PHONE_1], you "
    case = ModerationCase.objects.get()
    assert (case.direction, case.action, case.categories) == ("outbound", "block", "abuse")
    assert case.excerpt == "Ring [PHONE_1], you bastard! "


def test_only_who_may_reveals(django_user_model: type[User]) -> None:
    said(f"call {PHONE}")
    nobody = django_user_model.objects.create_user("ann")

    with pytest.raises(originals.NotAllowed):
        originals.reveal(Original.objects.get(), by=nobody, reason="out of curiosity")


def test_only_who_may_publishes(django_user_model: type[User]) -> None:
    nobody = django_user_model.objects.create_user("ann")

    with pytest.raises(originals.NotAllowed):
        policies.publish_words(by=nobody)
    with pytest.raises(originals.NotAllowed):
        policies.publish_rules(policies.active_rules(), by=nobody)


def test_logs_are_masked(caplog: pytest.LogCaptureFixture) -> None:
    from moderation.logs import MaskPersonalData

    try:
        raise ValueError(f"bad {PHONE}")
    except ValueError:
        import sys

        record = logging.LogRecord("x", logging.ERROR, "f", 1, "from %s", (PHONE,), sys.exc_info())

    assert MaskPersonalData().filter(record)
    line = logging.Formatter().format(record)
    assert PHONE not in line
    assert "[PHONE]" in line

"""Signing in: guessing is slow, a second factor is asked for, and sessions cannot be planted."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from csbot.accounts import door, second_factor
from csbot.accounts.models import Authenticator, RecoveryCode, SignInAttempt
from moderation import encryption
from moderation.models import AuditEntry
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
SIGN_IN = "/admin/login/"
FACTOR = "/admin/second-factor/"


@pytest.fixture(autouse=True)
def _quick_and_strict(settings: Any) -> None:
    settings.SECOND_FACTOR = "required"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def admin() -> User:
    return _person("Admin")


def _person(*groups: str, **more: Any) -> User:
    user: User = UserFactory(**more)
    user.set_password(PASSWORD)
    user.save()
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def _sign_in(client: Client, user: User, password: str = PASSWORD, **headers: Any) -> Any:
    data = {"username": user.username, "password": password, "next": "/admin/"}
    return client.post(SIGN_IN, data, **headers)


def _code(user: User, seconds: float = 0) -> str:
    key = encryption.unwrapped(bytes(Authenticator.objects.get(user=user).wrapped_key))
    return TOTP(key, 6, SHA1(), 30).generate(int(time.time() + seconds)).decode()


def _enrol(client: Client, user: User) -> list[str]:
    client.get(FACTOR)
    page = client.post(FACTOR, {"code": _code(user)})
    assert page.status_code == 200
    return re.findall(r"<code>([a-z0-9-]{19})</code>", page.content.decode())


def _later(user: User, seconds: int = 60) -> None:
    """As if the code had been typed a while ago."""
    row = Authenticator.objects.get(user=user)
    row.last_step -= seconds // 30
    row.save()


# Guessing


def test_five_wrong_passwords_lock_an_address_for_everybody(client: Client) -> None:
    victim, other = _person("Agent"), _person("Agent")
    for _ in range(5):
        assert _sign_in(client, victim, "wrong").status_code == 200
    page = _sign_in(client, other)
    assert page.status_code == 429
    assert "Try again in 5 minutes" in page.content.decode()
    assert _sign_in(client, other, REMOTE_ADDR="10.1.1.1").status_code == 302


def test_ten_wrong_passwords_lock_an_account_from_everywhere(client: Client) -> None:
    user, other = _person("Agent"), _person("Agent")
    for number in range(10):
        _sign_in(client, user, "wrong", REMOTE_ADDR=f"10.0.0.{number}")
    assert _sign_in(client, user, REMOTE_ADDR="10.0.1.1").status_code == 429
    assert _sign_in(client, other, REMOTE_ADDR="10.0.1.1").status_code == 302


def test_names_that_do_not_exist_are_locked_alike(client: Client) -> None:
    nobody = User(username="nobody")
    for number in range(10):
        _sign_in(client, nobody, "wrong", REMOTE_ADDR=f"10.0.0.{number}")
    assert _sign_in(client, nobody, REMOTE_ADDR="10.0.1.1").status_code == 429


def test_a_lock_ends_by_itself_even_while_somebody_keeps_knocking(client: Client) -> None:
    user = _person("Agent")
    for _ in range(8):
        _sign_in(client, user, "wrong")
    assert SignInAttempt.objects.filter(kind="address").count() == 5
    SignInAttempt.objects.update(at=timezone.now() - timedelta(minutes=5, seconds=1))
    assert _sign_in(client, user).status_code == 302


def test_own_slips_are_forgotten_but_not_those_of_the_address(client: Client) -> None:
    """Whoever owns one account cannot clear their address by signing in between two guesses."""
    owner, victim = _person("Agent"), _person("Agent")
    for _ in range(4):
        _sign_in(client, victim, "wrong")
    assert _sign_in(client, owner).status_code == 302
    _sign_in(client, victim, "wrong")
    assert _sign_in(client, owner).status_code == 429


def test_an_attacker_cannot_invent_addresses(client: Client, settings: Any) -> None:
    user = _person("Agent")
    for number in range(5):
        _sign_in(client, user, "wrong", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}")
    assert _sign_in(client, user, HTTP_X_FORWARDED_FOR="10.0.0.99").status_code == 429


def test_behind_a_proxy_people_are_told_apart(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    user, other = _person("Agent"), _person("Agent")
    for number in range(5):
        _sign_in(client, user, "wrong", HTTP_X_FORWARDED_FOR=f"invented-{number}, 10.0.0.1")
    assert _sign_in(client, other, HTTP_X_FORWARDED_FOR="10.0.0.1").status_code == 429
    assert _sign_in(client, other, HTTP_X_FORWARDED_FOR="10.0.0.2").status_code == 302


def test_what_was_typed_as_a_name_is_not_kept(client: Client) -> None:
    _sign_in(client, User(username="my secret password"), "wrong")
    rows = list(SignInAttempt.objects.values_list("digest", flat=True))
    assert len(rows) == 2
    assert not any("secret" in row for row in rows)


# The second factor


def test_the_console_is_closed_until_an_app_is_set_up(client: Client, admin: User) -> None:
    _sign_in(client, admin)
    page = client.get("/admin/auth/user/?q=x")
    assert page.status_code == 302
    assert page["Location"] == f"{FACTOR}?next=%2Fadmin%2Fauth%2Fuser%2F%3Fq%3Dx"
    codes = _enrol(client, admin)
    assert len(codes) == 10
    assert client.get("/admin/auth/user/").status_code == 200


def test_agents_need_none(client: Client) -> None:
    _sign_in(client, _person("Agent"))
    assert client.get("/admin/").status_code == 200


def test_an_optional_factor_is_asked_for_once_it_is_there(client: Client, settings: Any) -> None:
    settings.SECOND_FACTOR = "optional"
    agent = _person("Agent")
    client.force_login(agent)
    assert client.get("/admin/").status_code == 200
    _enrol(client, agent)
    again = Client()
    _sign_in(again, agent)
    assert again.get("/admin/")["Location"].startswith(FACTOR)


def test_the_next_sign_in_wants_a_code(client: Client, admin: User) -> None:
    _sign_in(client, admin)
    _enrol(client, admin)
    other = Client()
    _sign_in(other, admin)
    assert other.get("/admin/")["Location"].startswith(FACTOR)
    assert "wrong or was used" in other.post(FACTOR, {"code": "000000"}).content.decode()
    assert other.get("/admin/").status_code == 302
    _later(admin)
    page = other.post(f"{FACTOR}?next=/admin/auth/user/", {"code": _code(admin)})
    assert page["Location"] == "/admin/auth/user/"
    assert other.get("/admin/").status_code == 200


def test_no_code_opens_twice(client: Client, admin: User) -> None:
    _sign_in(client, admin)
    client.get(FACTOR)
    code = _code(admin)
    client.post(FACTOR, {"code": code})
    other = Client()
    _sign_in(other, admin)
    other.post(FACTOR, {"code": code})
    assert other.get("/admin/").status_code == 302


@pytest.mark.parametrize(("seconds", "opens"), [(-90, False), (-30, True), (30, True), (90, False)])
def test_clocks_may_differ_by_half_a_minute(
    client: Client, admin: User, seconds: int, opens: bool
) -> None:
    _sign_in(client, admin)
    client.get(FACTOR)
    client.post(FACTOR, {"code": _code(admin, seconds)})
    assert (client.get("/admin/").status_code == 200) == opens


def test_a_recovery_code_opens_once(client: Client, admin: User) -> None:
    _sign_in(client, admin)
    codes = _enrol(client, admin)
    for expected in (200, 302):
        other = Client()
        _sign_in(other, admin)
        other.post(FACTOR, {"code": codes[0].upper()})
        assert other.get("/admin/").status_code == expected
    assert RecoveryCode.objects.filter(user=admin).count() == 9
    assert AuditEntry.objects.filter(action="second_factor.recovery_code_used").count() == 1


def test_codes_cannot_be_guessed_for_long(client: Client, admin: User) -> None:
    _sign_in(client, admin)
    _enrol(client, admin)
    other = Client()
    _sign_in(other, admin)
    for number in range(5):
        other.post(FACTOR, {"code": f"{number:06}"})
    _later(admin)
    page = other.post(FACTOR, {"code": _code(admin)})
    assert "Too many attempts" in page.content.decode()
    assert other.get("/admin/").status_code == 302


def test_the_key_and_the_recovery_codes_are_not_readable_in_the_database(
    client: Client, admin: User
) -> None:
    _sign_in(client, admin)
    page = client.get(FACTOR).content.decode()
    key = re.search(r'<code class="ac-key">([A-Z2-7 ]+)</code>', page)
    assert key is not None
    codes = _enrol(client, admin)
    stored = bytes(Authenticator.objects.get(user=admin).wrapped_key)
    assert key[1].replace(" ", "").encode() not in stored
    digests = [bytes(each.digest) for each in RecoveryCode.objects.filter(user=admin)]
    assert not any(code.replace("-", "").encode() in digests for code in codes)


def test_the_enrolment_page_shows_no_key_again(client: Client, admin: User) -> None:
    _sign_in(client, admin)
    _enrol(client, admin)
    other = Client()
    _sign_in(other, admin)
    assert "ac-key" not in other.get(FACTOR).content.decode()


def test_removing_the_app_closes_the_console_and_wants_a_confirmation(
    client: Client, admin: User
) -> None:
    _sign_in(client, admin)
    _enrol(client, admin)
    _age(client)
    assert client.post(FACTOR, {"remove": "1"})["Location"].startswith("/admin/confirm/")
    assert second_factor.is_enrolled(admin)
    door_open = client.session
    door_open["confirmed_at"] = time.time()
    door_open.save()
    client.post(FACTOR, {"remove": "1"})
    assert not second_factor.is_enrolled(admin)


# Sessions


def test_the_session_gets_a_new_id_at_each_proof(client: Client, admin: User) -> None:
    client.get(SIGN_IN)
    seen = []
    _sign_in(client, admin)
    seen.append(client.session.session_key)
    _enrol(client, admin)
    seen.append(client.session.session_key)
    _later(admin)
    client.post("/admin/confirm/", {"password": PASSWORD, "code": _code(admin)})
    seen.append(client.session.session_key)
    assert len(set(seen)) == 3


def test_a_planted_session_id_is_not_taken_over(client: Client) -> None:
    client.cookies["sessionid"] = "planted" * 4
    _sign_in(client, _person("Agent"))
    assert client.session.session_key != "planted" * 4


def test_a_new_password_ends_other_sessions(client: Client) -> None:
    user = _person("Agent")
    _sign_in(client, user)
    assert client.get("/admin/").status_code == 200
    user.set_password("another good one 1")
    user.save()
    assert client.get("/admin/").status_code == 302


def test_a_disabled_person_is_out_at_the_next_request(client: Client) -> None:
    user = _person("Agent")
    _sign_in(client, user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302


def test_everybody_can_sign_out_before_the_second_factor(client: Client, admin: User) -> None:
    _sign_in(client, admin)
    assert client.post("/admin/logout/").status_code == 200
    assert client.get(FACTOR)["Location"].startswith(SIGN_IN)


def test_pages_before_the_door_are_for_staff_alone(client: Client) -> None:
    client.force_login(UserFactory(is_staff=False))
    assert client.get(FACTOR)["Location"].startswith(SIGN_IN)
    assert client.get("/admin/confirm/")["Location"].startswith(SIGN_IN)


# Confirmations


def _age(client: Client, seconds: float = door.CONFIRMED_SECONDS + 1) -> None:
    session = client.session
    session["confirmed_at"] = time.time() - seconds
    session.save()


@pytest.fixture
def inside(client: Client, admin: User) -> Client:
    _sign_in(client, admin)
    _enrol(client, admin)
    _later(admin)
    return client


def test_ten_minutes_after_a_sign_in_an_export_asks_again(inside: Client) -> None:
    where = reverse("admin:knowledge_export")
    assert inside.get(where).status_code == 200
    _age(inside)
    page = inside.get(where)
    assert page["Location"].startswith("/admin/confirm/?next=")


def test_a_confirmation_takes_password_and_code(inside: Client, admin: User) -> None:
    _age(inside)
    where = "/admin/confirm/?next=" + reverse("admin:knowledge_export")
    for wrong in ({"password": PASSWORD}, {"password": "no", "code": _code(admin)}):
        assert inside.post(where, wrong).status_code == 200
    assert inside.get(reverse("admin:knowledge_export")).status_code == 302
    _later(admin)
    page = inside.post(where, {"password": PASSWORD, "code": _code(admin)})
    assert page["Location"] == reverse("admin:knowledge_export")
    assert inside.get(reverse("admin:knowledge_export")).status_code == 200


def test_a_role_change_that_was_typed_before_is_not_lost(inside: Client, admin: User) -> None:
    group = Group.objects.create(name="Night shift")
    _age(inside)
    where = reverse("admin:auth_group_change", args=[group.pk])
    page = inside.post(where, {"name": "Day shift"})
    group.refresh_from_db()
    assert group.name == "Night shift"
    page = inside.post(page["Location"], {"password": PASSWORD, "code": _code(admin)})
    assert 'name="name" value="Day shift"' in page.content.decode()
    assert f'action="{where}"' in page.content.decode()
    inside.post(where, {"name": "Day shift"})
    group.refresh_from_db()
    assert group.name == "Day shift"


def test_passwords_are_never_kept_for_later(inside: Client) -> None:
    _age(inside)
    page = inside.post(
        reverse("admin:auth_user_add"),
        {"username": "x", "password1": "do not keep", "password2": "do not keep"},
    )
    assert "sent=lost" in page["Location"]
    assert "do not keep" not in str(dict(inside.session))


def test_nobody_is_sent_elsewhere(inside: Client, admin: User) -> None:
    page = inside.post(
        "/admin/confirm/?next=https://elsewhere.example/",
        {"password": PASSWORD, "code": _code(admin)},
    )
    assert page["Location"] == "/admin/"


def test_scripts_are_told_in_their_language(inside: Client) -> None:
    _age(inside)
    page = inside.get(reverse("admin:knowledge_export"), HTTP_ACCEPT="application/json")
    assert page.status_code == 403
    assert page.json()["error"]["code"] == "confirmation_required"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_pages_are_in_both_languages(client: Client, admin: User, language: str) -> None:
    client.cookies["django_language"] = language
    _sign_in(client, admin)
    with translation.override(language):
        wanted = translation.gettext("Set up your authenticator app")
    assert wanted in client.get(FACTOR).content.decode()
    assert (wanted == "Set up your authenticator app") == (language == "en")

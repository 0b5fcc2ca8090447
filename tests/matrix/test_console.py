"""Every page of the console, for every role: what it lets in is what the table says.

A new page fails here until its line stands in ``console.txt``.
"""

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.template.response import SimpleTemplateResponse
from django.test import Client

from tests.csbot.accounts.people import person
from tests.matrix import walking
from tests.matrix.walking import LETTERS, METHODS, ON_ALL_BOTS, ROLES, Address
from tests.matrix.world import Rows, missing, two_bots

pytestmark = pytest.mark.django_db

OUTSIDE = ("admin:login",)
"""Before the door: tested by tests/csbot/accounts/test_sign_in.py."""
BEFORE_THE_SECOND_FACTOR = ("admin:second_factor", "admin:logout")
CONSOLE = [each for each in walking.addresses() if each.is_console and each.name not in OUTSIDE]

# One for all: each new one would look through the static files again.
_browser = Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def _strict_and_quick(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second factor is required; pages are not drawn, which is most of the time they take."""
    settings.SECOND_FACTOR = "required"
    # Thousands of refusals with their tracebacks.
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", property(lambda page: ""))


@pytest.fixture
def bots() -> tuple[Rows, Rows]:
    return two_bots()


def _session(user: User, **facts: Any) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.update({"confirmed_at": time.time(), **facts})
    session.save()
    return str(session.session_key)


def _inside(user: User) -> str:
    return _session(user, second_factor_of=user.pk)


def _ask(session: str, method: str, path: str, **headers: str) -> Any:
    """One request of a browser; whatever it changed is undone."""
    _browser.cookies.clear()
    _browser.cookies["sessionid"] = session
    with transaction.atomic():
        answer = _browser.generic(method, path, headers=headers)
        transaction.set_rollback(True)
    assert answer.status_code < 500, f"{method} {path}: {answer.status_code}"
    return answer


def _cells(address: Address) -> Iterator[tuple[Address, str]]:
    return ((address, method) for method in METHODS)


@pytest.mark.timeout(600)
def test_every_page_lets_in_whom_the_table_says(bots: tuple[Rows, Rows]) -> None:
    own, foreign = bots
    people = {role: _inside(person(role, bots=[own["chat_bot"]])) for role in ROLES}
    seen: dict[tuple[str, str], str] = {}
    leaks = []
    for address, method in (cell for each in CONSOLE for cell in _cells(each)):
        arguments = address.arguments(own)
        cells = ""
        for role, letter in zip(ROLES, LETTERS, strict=True):
            answer = _ask(people[role], method, address.path(arguments))
            is_in = walking.lets_in(answer)
            cells += letter if is_in else "."
            if is_in and address.is_somebodys and role not in ON_ALL_BOTS:
                leaks += _leaks(people[role], method, address, address.arguments(foreign))
        seen[address.name.removeprefix("admin:"), method] = cells
    assert leaks == []
    found = walking.differences(walking.table("console.txt"), seen)
    assert found == [], "\n" + "\n".join(found)


def _leaks(session: str, method: str, address: Address, foreign: dict[str, Any]) -> list[str]:
    """Whether somebody else's row differs in any way from one that does not exist."""
    theirs = _ask(session, method, address.path(foreign))
    nobodys = _ask(session, method, address.path(missing(foreign)))
    same = (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
    if same and not walking.lets_in(theirs):
        return []
    return [f"{method} {address.name}: {theirs.status_code}, and {nobodys.status_code} for none"]


def test_nobody_else_gets_in(bots: tuple[Rows, Rows]) -> None:
    """Without a session, with a customer's token, switched off, no staff, or without a code."""
    own, _foreign = bots
    admin: dict[str, Any] = {"is_superuser": True}
    closed = {
        "nobody": ("", {}),
        "a customer": ("", {"authorization": f"Visitor {'visitor-of-' + str(own['chat_bot'].pk)}"}),
        "somebody switched off": (_inside(person(is_active=False, **admin)), {}),
        "somebody who is no staff": (_inside(person(is_staff=False, **admin)), {}),
        "an admin without a code": (_session(person("Admin")), {}),
        "a superuser without a code": (_session(person(**admin)), {}),
    }
    let_in = []
    for address in CONSOLE:
        path = address.path(address.arguments(own))
        for who, (session, headers) in closed.items():
            if "without a code" in who and address.name in BEFORE_THE_SECOND_FACTOR:
                continue
            for method in METHODS:
                answer = _ask(session, method, path, **headers)
                if walking.lets_in(answer) and answer.get("Location") != "/admin/":
                    let_in.append(f"{who}: {method} {address.name} {answer.status_code}")
    assert let_in == []


def test_staff_without_a_role_sees_the_start_and_its_own_account(bots: tuple[Rows, Rows]) -> None:
    own, _foreign = bots
    session = _inside(person(bots=[own["chat_bot"]]))
    open_ = {
        address.name.removeprefix("admin:")
        for address in CONSOLE
        if walking.lets_in(_ask(session, "GET", address.path(address.arguments(own))))
    }
    assert open_ == {
        "confirm",
        "index",
        "jsi18n",
        "password_change",
        "password_change_done",
        "search",
        "second_factor",
    }

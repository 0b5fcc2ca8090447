"""Everything outside of the console, for customers, servers and everybody else.

A new address fails here until its lines stand in ``customers.txt``.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from chat.services import visitors
from tests.csbot.accounts.people import person
from tests.factories import BotFactory, VisitorFactory
from tests.matrix import walking
from tests.matrix.test_console import _inside
from tests.matrix.walking import Address
from tests.matrix.world import Rows, missing, rows

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ADDRESSES = [each for each in walking.addresses() if not each.is_console]
_browser = Client(raise_request_exception=False)


def _arguments(address: Address, own: Rows) -> dict[str, Any]:
    every = {
        "bot_id": own["chat_bot"].public_id,
        "bot": own["chat_bot"].public_id,
        "conversation": own["chat_conversation"].public_id,
        "message": own["reply"].public_id,
        "model": own["training_modelversion"].public_id,
        "experiment": own["training_experiment"].public_id,
    }
    return {name: every[name] for name in address.takes}


@pytest.fixture
def own() -> Rows:
    return rows(BotFactory())


@pytest.fixture
def principals(own: Rows) -> dict[str, dict[str, str]]:
    """By letter, what each sends along."""
    bot = own["chat_bot"]
    VisitorFactory(bot=bot, token="another-visitor")
    VisitorFactory(token="visitor-of-another-bot")
    _row, key = visitors.issue_api_key(bot, name="server")
    return {
        "N": {},
        "V": {"authorization": f"Visitor visitor-of-{bot.pk}"},
        "O": {"authorization": "Visitor another-visitor"},
        "B": {"authorization": "Visitor visitor-of-another-bot"},
        "X": {"authorization": "Visitor made-up"},
        "K": {"authorization": f"Bearer {key}"},
        "S": {"cookie": f"sessionid={_inside(person(is_superuser=True))}"},
    }


def _ask(method: str, path: str, headers: dict[str, str]) -> Any:
    _browser.cookies.clear()
    with transaction.atomic():
        answer = _browser.generic(
            method, path, b"{}", content_type="application/json", headers=headers
        )
        transaction.set_rollback(True)
    assert answer.status_code < 500, f"{method} {path}: {answer.status_code}"
    return answer


def _cells() -> Iterator[tuple[Address, str]]:
    return ((address, method) for address in ADDRESSES for method in METHODS)


def test_every_address_lets_in_whom_the_table_says(
    own: Rows, principals: dict[str, dict[str, str]]
) -> None:
    seen = {}
    for address, method in _cells():
        path = address.path(_arguments(address, own))
        seen[address.name, method] = "".join(
            letter if walking.lets_in(_ask(method, path, headers)) else "."
            for letter, headers in principals.items()
        )
    found = walking.differences(walking.table("customers.txt"), seen)
    assert found == [], "\n" + "\n".join(found)


def test_somebody_elses_conversation_and_none_answer_alike(
    own: Rows, principals: dict[str, dict[str, str]]
) -> None:
    differing = []
    for address, method in _cells():
        if not address.takes & {"conversation", "message"}:
            continue
        arguments = _arguments(address, own)
        for letter in "OB":
            theirs = _ask(method, address.path(arguments), principals[letter])
            none = _ask(method, address.path(missing(arguments)), principals[letter])
            if (theirs.status_code, theirs.content) != (none.status_code, none.content):
                differing.append(f"{letter} {method} {address.name}")
    assert differing == []

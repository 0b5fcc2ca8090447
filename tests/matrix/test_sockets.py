"""Every request of every socket, for everybody: what a role may ask is what the table says.

A new request, or a new socket, fails here until it stands in ``sockets.txt``.
"""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat import routing
from chat.access import NotFound
from chat.inbox import requests as inbox
from chat.inbox.consumer import InboxConsumer
from chat.requests import REQUESTS as CUSTOMERS
from chat.staff_socket import Forbidden, StaffConsumer, staff_member
from tests.csbot.accounts.people import person
from tests.factories import BotFactory
from tests.matrix import walking
from tests.matrix.test_console import _inside, _session
from tests.matrix.walking import LETTERS, ROLES
from tests.matrix.world import rows
from training import routing as training_routing
from training.access import runs_of
from training.consumers import RunConsumer

pytestmark = pytest.mark.django_db

STAFF: dict[str, type[StaffConsumer]] = {"inbox": InboxConsumer, "run": RunConsumer}
WITHOUT_A_CONVERSATION = frozenset({"ping"})


@pytest.fixture(autouse=True)
def _strict(settings: Any) -> None:
    settings.SECOND_FACTOR = "required"


def test_no_socket_is_missing_here() -> None:
    paths = [*routing.websocket_urlpatterns, *training_routing.websocket_urlpatterns]
    assert sorted(str(each.pattern) for each in paths) == [
        "ws/staff/inbox",
        "ws/v1/chat",
        "ws/v1/training/<uuid:public_id>",
    ]


def test_each_socket_opens_for_whom_the_table_says() -> None:
    own = rows(BotFactory())
    seen: dict[tuple[str, str], str] = {}
    sessions = {role: _inside(person(role, bots=[own["chat_bot"]])) for role in ROLES}
    for name, consumer in STAFF.items():
        seen[name, "OPEN"] = "".join(
            letter if _may(sessions[role], consumer) else "."
            for role, letter in zip(ROLES, LETTERS, strict=True)
        )
    # A request does no more than the socket it comes through; each looks its rows up anew.
    for kind in inbox.REQUESTS:
        seen[f"inbox:{kind}", "SEND"] = seen["inbox", "OPEN"]
    for kind in CUSTOMERS:
        seen[f"chat:{kind}", "SEND"] = "." * len(ROLES)
    found = walking.differences(walking.table("sockets.txt"), seen)
    assert found == [], "\n" + "\n".join(found)


def _may(session: str, consumer: type[StaffConsumer]) -> bool:
    try:
        staff_member(session, consumer.permission)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("consumer", STAFF.values(), ids=STAFF)
def test_nobody_else_opens_a_socket_of_the_console(consumer: type[StaffConsumer]) -> None:
    closed = {
        "nobody": "",
        "somebody switched off": _inside(person(is_active=False, is_superuser=True)),
        "somebody who is no staff": _inside(person(is_staff=False, is_superuser=True)),
        "a superuser without a code": _session(person(is_superuser=True)),
        "staff without a role": _inside(person()),
    }
    assert [who for who, session in closed.items() if _may(session, consumer)] == []


@pytest.mark.parametrize("kind", sorted(set(inbox.REQUESTS) - WITHOUT_A_CONVERSATION))
def test_a_foreign_conversation_is_none_for_the_inbox(kind: str) -> None:
    """Whatever is asked: somebody else's conversation and an invented one are the same."""
    own, foreign = rows(BotFactory()), rows(BotFactory())
    agent = person("Agent", bots=[own["chat_bot"]])
    fields = {
        "seq": 1,
        "text": "hello",
        "to": agent.pk,
        "client_message_id": uuid.uuid4(),
        "left": foreign["chat_leftmessage"].public_id,
        "suggestion": None,
        "use": "",
        "canned": None,
    }
    for id_ in (foreign["chat_conversation"].public_id, uuid.uuid4()):
        with pytest.raises(NotFound):
            inbox.REQUESTS[kind](agent, {**fields, "id": id_})


def test_a_foreign_run_is_none_for_whoever_watches() -> None:
    own, foreign = rows(BotFactory()), rows(BotFactory())
    trainer = User.objects.get(pk=person("Trainer", bots=[own["chat_bot"]]).pk)
    assert list(runs_of(trainer)) == [own["training_trainingrun"]]
    assert foreign["training_trainingrun"] not in runs_of(trainer)

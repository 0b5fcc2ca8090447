"""How to reach somebody who left a message: shown to who answers, who proved lately who they are."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from chat.models import LeftMessage
from chat.services import left_messages
from moderation.models import AuditEntry, SubjectKey
from tests.csbot.accounts.people import person
from tests.factories import BotFactory, ConversationFactory

pytestmark = pytest.mark.django_db
CONTACT = "+49 30 1234567"
REVEALED = "left_message.contact_revealed"


@pytest.fixture(autouse=True)
def _strict(settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"


@pytest.fixture
def left() -> LeftMessage:
    conversation = ConversationFactory()
    return left_messages.leave(conversation, name="Sam", contact=CONTACT, text="Call me.")


def inside(role: str, left: LeftMessage) -> Client:
    client = Client()
    client.force_login(person(role, bots=[left.conversation.bot]))
    return client


def address(left: object) -> str:
    return reverse("admin:inbox_reveal", args=[left])


def ask(client: Client, where: str) -> tuple[int, str]:
    answer = client.post(where, headers={"accept": "application/json"})
    return answer.status_code, answer.text


def test_an_agent_is_shown_it_and_that_is_written_down(left: LeftMessage) -> None:
    status, text = ask(inside("Agent", left), address(left.public_id))

    assert (status, CONTACT in text) == (200, True)
    entry = AuditEntry.objects.get(action=REVEALED)
    assert entry.target == f"left-message:{left.public_id}"
    assert "1234567" not in entry.facts


def test_a_session_that_somebody_left_open_is_shown_nothing(left: LeftMessage) -> None:
    client = inside("Agent", left)
    session = client.session
    session["confirmed_at"] = 0
    session.save()

    status, text = ask(client, address(left.public_id))

    assert (status, "confirmation_required" in text, "1234567" in text) == (403, True, False)
    assert reverse("admin:confirm") in text
    assert not AuditEntry.objects.filter(action=REVEALED).exists()


def test_nobody_else_is_shown_it(left: LeftMessage) -> None:
    foreign = left_messages.leave(
        ConversationFactory(visitor__bot=BotFactory()), name="", contact=CONTACT, text="Me too."
    )
    agent = inside("Agent", left)
    answers = [ask(agent, address(each)) for each in (foreign.public_id, uuid.uuid4())]

    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert ask(inside("Curator", left), address(left.public_id))[0] == 403
    assert agent.get(address(left.public_id)).status_code == 405
    assert not AuditEntry.objects.filter(action=REVEALED).exists()


def test_what_nobody_can_read_any_more_is_said_and_not_recorded(left: LeftMessage) -> None:
    SubjectKey.objects.all().delete()

    assert ask(inside("Agent", left), address(left.public_id))[0] == 409
    assert not AuditEntry.objects.filter(action=REVEALED).exists()

"""POST /events: what a visitor did on the site, kept once, bounded, and gone with the visitor."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat.models import Conversation, Conversion, Visitor
from chat.services import conversions, erasing, visitors
from tests.factories import BotFactory, ConversationFactory, VisitorFactory

PATH = "/api/v1/events"
ANN = "token-of-ann"
pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation() -> Conversation:
    return ConversationFactory(visitor__token=ANN, last_seq=2)


def tell(client: Client, secret: str = f"Visitor {ANN}", **body: Any) -> Any:
    fields = {"id": "order-1", "name": "purchase", **body}
    return client.post(
        PATH, fields, content_type="application/json", headers={"Authorization": secret}
    )


def aged(conversation: Conversation, days: int) -> None:
    old = timezone.now() - timedelta(days=days)
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=old)


def test_it_counts_once_for_the_latest_conversation(
    client: Client, conversation: Conversation
) -> None:
    latest = ConversationFactory(visitor=conversation.visitor, last_seq=1)
    ConversationFactory(visitor=conversation.visitor)  # Nothing was said in it.
    aged(conversation, 1)

    first, second = tell(client, value="19.90"), tell(client, value="5")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json() == {"conversation": str(latest.public_id)}
    kept = Conversion.objects.get()
    assert (kept.conversation, kept.name, str(kept.value)) == (latest, "purchase", "19.90")
    assert tell(client, id="order-2").status_code == 201


def test_without_a_recent_conversation_nothing_is_kept(
    client: Client, conversation: Conversation
) -> None:
    aged(conversation, conversions.ATTRIBUTION.days + 1)
    answer = tell(client)
    assert (answer.status_code, answer.json()) == (200, {"conversation": None})
    assert not Conversion.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"name": "<b>purchase</b>"},
        {"name": "Purchase"},
        {"name": "purchase\n"},
        {"name": "x" * 65},
        {"name": ""},
        {"id": ""},
        {"id": "x" * 101},
        {"value": -1},
        {"value": "much"},
        {"value": "NaN"},
        {"value": 10**12},
    ],
)
def test_what_is_no_event_is_refused(
    client: Client, conversation: Conversation, body: dict[str, Any]
) -> None:
    assert tell(client, **body).status_code == 400
    assert not Conversion.objects.exists()


def test_a_day_holds_so_many(
    client: Client, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversions, "MOST_PER_DAY", 2)
    assert [tell(client, id=str(n)).status_code for n in range(3)] == [201, 201, 429]
    assert tell(client, id="1").status_code == 200, "known already"
    Conversion.objects.update(at=timezone.now() - conversions.DAY)
    assert tell(client, id="3").status_code == 201


def test_they_come_at_a_limited_rate(
    client: Client, conversation: Conversation, settings: Settings
) -> None:
    settings.CHAT_RATE_EVENTS_PER_VISITOR = "1/minute"
    assert tell(client).status_code == 201
    answer = tell(client)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_a_server_names_a_visitor_of_its_own_bot(
    client: Client, conversation: Conversation
) -> None:
    secret = f"Bearer {visitors.issue_api_key(conversation.bot, name='shop')[1]}"
    theirs = ConversationFactory(last_seq=1).visitor.public_id

    assert tell(client, secret).status_code == 400
    for nobody in (theirs, BotFactory().public_id):
        assert tell(client, secret, visitor=str(nobody)).status_code == 404
    answer = tell(client, secret, visitor=str(conversation.visitor.public_id))
    assert answer.json() == {"conversation": str(conversation.public_id)}


def test_a_visitor_speaks_for_nobody_else(client: Client, conversation: Conversation) -> None:
    other = ConversationFactory(visitor__bot=conversation.bot, last_seq=1).visitor
    tell(client, visitor=str(other.public_id))
    assert Conversion.objects.get().visitor == conversation.visitor


def test_strangers_are_refused(client: Client) -> None:
    assert tell(client, "").status_code == 401
    assert tell(client, "Visitor nonsense").status_code == 401


def test_it_goes_with_the_visitor_and_with_the_conversation(
    client: Client, conversation: Conversation
) -> None:
    visitor: Visitor = conversation.visitor
    tell(client)
    found = erasing.belongings(conversation.bot, [conversation])
    rows = Visitor.objects.filter(pk=visitor.pk)
    assert erasing.count(rows, found)["chat.conversion"] == 1

    erasing.erase(Conversation.objects.filter(pk=conversation.pk), found, with_wordings=False)

    assert not Conversion.objects.exists()
    VisitorFactory(token="somebody else")
    assert tell(client).json() == {"conversation": None}

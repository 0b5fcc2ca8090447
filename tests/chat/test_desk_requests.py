"""What customers ask of people: rating, leaving a message, and when people are there."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from channels.db import database_sync_to_async
from django.core.exceptions import ValidationError

from chat.hours import is_open, validate_office_hours
from chat.models import Conversation, LeftMessage
from chat.services import visitors
from moderation.models import AuditEntry
from tests.chat.sockets import Socket
from tests.factories import ConversationFactory, ReplyFactory, VisitorFactory

HOURS = {
    "timezone": "Asia/Shanghai",
    "weekly": {"mon": [["09:00", "12:30"], ["13:30", "18:00"]], "sat": [["10:00", "24:00"]]},
}


@pytest.fixture
def conversation(transactional_db: None) -> Conversation:
    conversation = ConversationFactory()
    ReplyFactory(conversation=conversation, status="sent", text="Yes.", source="model")
    return conversation


async def asked(conversation: Conversation, kind: str, **fields: Any) -> dict[str, Any]:
    async with Socket() as socket:
        await socket.authenticate(conversation)
        return await socket.ask(kind, **fields)


@pytest.mark.django_db(transaction=True)
async def test_a_rating_is_kept_and_its_comment_masked(conversation: Conversation) -> None:
    changed = await asked(
        conversation, "conversation.rate", rating=4, comment="Call +49 30 901820 please"
    )
    await database_sync_to_async(conversation.refresh_from_db)()
    assert (changed["type"], changed["conversation"]["rating"]) == ("conversation.changed", 4)
    assert conversation.rating == 4
    assert "901820" not in conversation.rating_comment


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rating", [0, 6, "many", None, 2.5])
async def test_a_rating_is_one_to_five(conversation: Conversation, rating: object) -> None:
    refused = await asked(conversation, "conversation.rate", rating=rating)
    assert refused["code"] == "invalid"


@pytest.mark.django_db(transaction=True)
async def test_nothing_is_rated_before_an_answer() -> None:
    conversation = await database_sync_to_async(ConversationFactory)()
    refused = await asked(conversation, "conversation.rate", rating=5)
    assert refused["code"] == "invalid"


@pytest.mark.django_db(transaction=True)
async def test_a_left_message_is_kept_with_its_contact_encrypted(
    conversation: Conversation,
) -> None:
    created = await asked(
        conversation,
        "conversation.leave_message",
        name="Sam",
        contact="sam@shop.example",
        text="Call me back.",
    )
    left = await database_sync_to_async(LeftMessage.objects.get)()
    entry = await database_sync_to_async(AuditEntry.objects.get)(action="left_message.created")
    assert created["message"]["code"] == "left_message"
    assert (left.name, left.text, left.conversation_id) == ("Sam", "Call me back.", conversation.pk)
    assert b"shop.example" not in bytes(left.contact)
    assert "shop.example" not in entry.facts


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "fields",
    [
        {"contact": "", "text": "Call me."},
        {"contact": "sam@shop.example", "text": "  "},
        {"contact": "x" * 201, "text": "Call me."},
        {"text": "Call me."},
    ],
)
async def test_without_contact_or_text_nothing_is_left(
    conversation: Conversation, fields: dict[str, str]
) -> None:
    refused = await asked(conversation, "conversation.leave_message", **fields)
    assert refused["code"] == "invalid"
    assert not await database_sync_to_async(LeftMessage.objects.exists)()


@pytest.mark.django_db(transaction=True)
async def test_messages_are_left_a_few_times_an_hour(conversation: Conversation) -> None:
    codes = [
        (await asked(conversation, "conversation.leave_message", contact="sam", text="Call."))
        for _ in range(6)
    ]
    assert [each["type"] for each in codes] == ["message.created"] * 5 + ["error"]
    assert codes[-1]["code"] == "rate_limited"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "kept"),
    [
        ("https://shop.example/lamps?mail=sam@shop.example#top", "https://shop.example/lamps"),
        ("http://shop.example:8080/", "http://shop.example:8080/"),
        ("javascript:alert(1)", ""),
        ("https://user:secret@shop.example/a", "https://shop.example/a"),
        ("https://[broken", ""),
        ("", ""),
    ],
)
def test_a_page_is_kept_without_what_may_name_people(page: str, kept: str) -> None:
    conversation = visitors.start_conversation(VisitorFactory(), locale="en", page=page)
    assert conversation.page == kept


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        (23, "09:00", True),
        (23, "08:59", False),
        (23, "12:30", False),
        (23, "17:59", True),
        (24, "10:00", False),
        (28, "23:59", True),
    ],
)
def test_people_are_there_in_their_own_time_zone(day: int, clock: str, expected: bool) -> None:
    hour, minute = map(int, clock.split(":"))
    at = datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert is_open(HOURS, at.astimezone(ZoneInfo("America/New_York"))) is expected


def test_without_office_hours_somebody_is_always_there() -> None:
    assert is_open({})


@pytest.mark.parametrize("value", [{}, HOURS, {"timezone": "UTC", "weekly": {}}])
def test_office_hours_may_be(value: object) -> None:
    validate_office_hours(value)


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        {"timezone": "UTC"},
        {"timezone": "Middle/Earth", "weekly": {}},
        {"timezone": "UTC", "weekly": {"monday": []}},
        {"timezone": "UTC", "weekly": {"mon": [["09:00"]]}},
        {"timezone": "UTC", "weekly": {"mon": [["9:00", "18:00"]]}},
        {"timezone": "UTC", "weekly": {"mon": [["18:00", "09:00"]]}},
        {"timezone": "UTC", "weekly": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}},
        {"timezone": "UTC", "weekly": {"mon": [[9, 18]]}},
    ],
)
def test_office_hours_may_not_be(value: object) -> None:
    with pytest.raises(ValidationError):
        validate_office_hours(value)

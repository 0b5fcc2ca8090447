"""The socket: who may open it, what it answers, and that nothing a browser sends can hurt."""

import asyncio
import json
import logging
import uuid
from typing import Any

import pytest
from channels.db import database_sync_to_async
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import Settings

from chat import events, frames
from chat.models import Conversation, Message
from chat.services import replies, visitors
from tests.chat.sockets import Socket
from tests.factories import ConversationFactory, ReplyFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation(transactional_db: None) -> Conversation:
    return ConversationFactory()


@pytest.mark.parametrize("origin", [None, b"null", b"https://evil.example", b"http://127.0.0.1"])
async def test_a_foreign_origin_is_refused(origin: bytes | None) -> None:
    async with Socket(origin) as socket:
        assert await socket.close_code() == events.CLOSE_ORIGIN


async def test_a_ticket_opens_one_socket_once(conversation: Conversation) -> None:
    ticket = await database_sync_to_async(visitors.issue_ticket)(conversation)
    async with Socket() as first, Socket() as second:
        ready = await first.ask("authenticate", protocol=1, ticket=ticket)
        await second.request("authenticate", protocol=1, ticket=ticket)

        assert ready["conversation"]["id"] == str(conversation.public_id)
        assert await second.close_code() == events.CLOSE_UNAUTHENTICATED


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "authenticate", "protocol": 1, "ticket": "guess"},
        {"type": "message.send", "client_message_id": str(uuid.uuid4()), "text": "Hi"},
        {"type": "ping"},
    ],
)
async def test_without_a_ticket_nothing_is_heard(frame: dict[str, Any]) -> None:
    async with Socket() as socket:
        await socket.send(text=json.dumps(frame))
        assert await socket.close_code() == events.CLOSE_UNAUTHENTICATED


async def test_an_expired_ticket_is_refused(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitors, "TICKET_SECONDS", -1)
    async with Socket() as socket:
        ticket = await database_sync_to_async(visitors.issue_ticket)(conversation)
        await socket.request("authenticate", protocol=1, ticket=ticket)
        assert await socket.close_code() == events.CLOSE_UNAUTHENTICATED


async def test_another_protocol_version_is_refused(conversation: Conversation) -> None:
    async with Socket() as socket:
        ticket = await database_sync_to_async(visitors.issue_ticket)(conversation)
        await socket.request("authenticate", protocol=2, ticket=ticket)
        assert await socket.close_code() == events.CLOSE_PROTOCOL


async def test_who_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "AUTHENTICATE_SECONDS", 0.1)
    async with Socket() as socket:
        assert await socket.close_code() == events.CLOSE_UNAUTHENTICATED


async def test_sending_is_acknowledged_after_commit_and_seen_by_all_tabs(
    conversation: Conversation,
) -> None:
    client_message_id = str(uuid.uuid4())
    async with Socket() as one, Socket() as two:
        await one.authenticate(conversation)
        await two.authenticate(conversation)

        await one.request("message.send", client_message_id=client_message_id, text="Hello?")
        accepted = await one.frame_of("message.accepted")
        created = [await two.frame_of("message.created") for _ in range(2)]

    assert await Message.objects.filter(public_id=accepted["message_id"]).aexists()
    assert (accepted["client_message_id"], accepted["seq"]) == (client_message_id, 1)
    assert [(e["seq"], e["message"]["role"]) for e in created] == [
        (1, "customer"),
        (2, "assistant"),
    ]
    assert created[0]["message"]["text"] == "Hello?"


async def test_resume_returns_everything_after_seq_as_it_is_now(conversation: Conversation) -> None:
    reply = await database_sync_to_async(ReplyFactory)(conversation=conversation)
    (claim,) = await database_sync_to_async(replies.claim)(owner="r", limit=1)
    await database_sync_to_async(replies.renew)(claim, text="It is on")
    async with Socket() as socket:
        await socket.authenticate(conversation)
        state = await socket.ask("conversation.resume", after=1)

    assert [(m["id"], m["seq"], m["status"], m["text"]) for m in state["messages"]] == [
        (str(reply.public_id), 2, "generating", "It is on")
    ]


async def test_resume_asks_the_runner_to_repeat_what_it_wrote(conversation: Conversation) -> None:
    from channels.layers import get_channel_layer

    from chat.services.publishing import RUNNERS_GROUP

    layer = get_channel_layer()
    assert layer is not None
    reply = await database_sync_to_async(ReplyFactory)(conversation=conversation)
    await database_sync_to_async(replies.claim)(owner="r", limit=1)
    channel = await layer.new_channel()
    await layer.group_add(RUNNERS_GROUP, channel)
    async with Socket() as socket:
        await socket.authenticate(conversation)
        await socket.ask("conversation.resume", after=0)
        call = await asyncio.wait_for(layer.receive(channel), 2)

    assert (call["type"], call["message_id"]) == ("runner.repeat", str(reply.public_id))


async def test_messages_of_others_cannot_be_named(conversation: Conversation) -> None:
    foreign = await database_sync_to_async(ReplyFactory)(status="failed")
    async with Socket() as socket:
        await socket.authenticate(conversation)
        for kind in ("reply.cancel", "reply.retry", "feedback.give"):
            answers = [
                await socket.ask(kind, message_id=str(message_id), value="up")
                for message_id in (foreign.public_id, uuid.uuid4())
            ]
            assert answers[0] == answers[1]
            assert answers[0]["code"] == "not_found"


async def test_thumbs_reach_every_tab(conversation: Conversation) -> None:
    reply = await database_sync_to_async(ReplyFactory)(conversation=conversation, status="sent")
    async with Socket() as socket:
        await socket.authenticate(conversation)
        recorded = await socket.ask(
            "feedback.give", message_id=str(reply.public_id), value="down", reasons=["wrong"]
        )

    assert recorded == {
        "type": "feedback.recorded",
        "message_id": str(reply.public_id),
        "feedback": {"value": "down", "reasons": ["wrong"], "comment": ""},
    }


async def test_too_many_messages_are_refused_by_name(
    conversation: Conversation, settings: Settings
) -> None:
    settings.CHAT_RATE_MESSAGES_PER_VISITOR = "1/hour"
    async with Socket() as socket:
        await socket.authenticate(conversation)
        ids = [str(uuid.uuid4()), str(uuid.uuid4())]
        for client_message_id in ids:
            await socket.request("message.send", client_message_id=client_message_id, text="Hi")
        error = await socket.frame_of("error")

    assert (error["code"], error["client_message_id"]) == ("rate_limited", ids[1])
    assert error["retry_after"] > 0


async def test_too_much_feedback_is_refused(conversation: Conversation, settings: Settings) -> None:
    settings.CHAT_RATE_MESSAGES_PER_VISITOR = "1/hour"
    reply = await database_sync_to_async(ReplyFactory)(conversation=conversation, status="sent")
    async with Socket() as socket:
        await socket.authenticate(conversation)
        message = str(reply.public_id)
        await socket.ask("feedback.give", message_id=message, value="up")
        error = await socket.ask("feedback.give", message_id=message, value="down")

    assert (error["code"], error["request"]) == ("rate_limited", "feedback.give")


async def test_a_flood_of_frames_is_cut(conversation: Conversation) -> None:
    async with Socket() as socket:
        await socket.authenticate(conversation)
        for _ in range(100):
            await socket.request("ping")
        assert await socket.close_code() == events.CLOSE_TOO_MANY


async def test_a_frame_too_large_closes(conversation: Conversation) -> None:
    async with Socket() as socket:
        await socket.authenticate(conversation)
        await socket.send(text="x" * (events.FRAME_BYTES + 1))
        assert await socket.close_code() == 1009


ID = str(uuid.uuid4())
HOSTILE = [
    b"\x00\xff",
    "",
    "null",
    "[]",
    '"text"',
    "{",
    "[" * 8000,
    '{"a":' * 3000,
    '{"type": null}',
    '{"type": {"type": "ping"}}',
    '{"type": "nothing"}',
    '{"type": "message.send"}',
    '{"type": "message.send", "client_message_id": [], "text": {}}',
    '{"type": "conversation.resume", "after": ' + "9" * 5000 + "}",
    '{"type": "conversation.resume", "after": 1e400}',
    '{"type": "conversation.resume", "after": NaN}',
    '{"type": "conversation.resume", "after": -1}',
    '{"type": "reply.cancel", "message_id": "\\u0000"}',
    '{"type": "message.send", "client_message_id": "' + ID + '", "text": "\\ud83d"}',
    '{"type": "message.send", "client_message_id": "' + ID + '", "text": "a\\u0000b"}',
    '{"type": "message.send", "client_message_id": "' + ID + '", "text": "' + "x" * 4001 + '"}',
    '{"type": "feedback.give", "message_id": "' + ID + '", "value": "up", "reasons": [[]]}',
    '{"type": "\\ud800"}',
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_bad_frame_is_answered_with_a_code(
    hostile: str | bytes, conversation: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    async with Socket() as socket:
        await socket.authenticate(conversation)
        if isinstance(hostile, bytes):
            await socket.send(data=hostile)
        else:
            await socket.send(text=hostile)
        error = await socket.frame()
        pong = await socket.ask("ping")

    assert error["type"] == "error"
    assert error["code"] in ("malformed", "unknown_type", "invalid", "not_found")
    assert pong == {"type": "pong"}
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


async def test_too_many_bad_frames_close(conversation: Conversation) -> None:
    async with Socket() as socket:
        await socket.authenticate(conversation)
        for _ in range(10):
            await socket.send(text="{")
        assert await socket.close_code() == events.CLOSE_PROTOCOL


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("type", "protocol", "ticket", "after", "client_message_id", "text", "message_id", "value",
          "reasons", "comment")  # fmt: skip
FRAMES = st.fixed_dictionaries(
    {"type": st.sampled_from([*frames.SHAPES, "nothing"]) | JSON},
    optional=dict.fromkeys(FIELDS[1:], JSON),
)


@given(frame=FRAMES | JSON)
@examples(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_whatever_json_comes_is_a_request_or_a_named_refusal(frame: Any) -> None:
    try:
        outcome = frames.parse(json.dumps(frame))[0]
    except frames.FrameError as error:
        outcome = error.code

    assert outcome in {*frames.SHAPES, "malformed", "unknown_type", "invalid"}


@given(text=st.text(st.characters(codec=None), max_size=300))
@examples(max_examples=2000, deadline=None)
def test_whatever_text_comes_is_a_request_or_a_named_refusal(text: str) -> None:
    with pytest.raises(frames.FrameError):
        frames.parse(text)

"""The inbox's socket: who may listen, what they hear, and what they may do."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from guardian.shortcuts import assign_perm, remove_perm

from chat import staff_socket
from chat.models import Bot, CannedReply, Conversation, Message, Suggestion
from chat.services import conversations, left_messages, takeover
from tests.chat.scripted import ScriptedEngine, running, saying
from tests.chat.sockets import ORIGIN, Socket
from tests.factories import ConversationFactory, DeploymentFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/ws/staff/inbox"
AGENT = ("answer_conversation", "assign_conversation")


def colleague(name: str, *bots: Bot, permissions: tuple[str, ...] = AGENT, **fields: Any) -> User:
    """An agent of these bots and no others."""
    user = UserFactory(username=name, first_name=name.title(), **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    for bot in bots:
        assign_perm("chat.work_on_bot", user, bot)
    return user


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def inbox(cookie: str, origin: bytes | None = ORIGIN) -> Socket:
    return Socket(origin, path=PATH, cookie=cookie)


@database_sync_to_async
def done(action: Callable[..., Any], *arguments: Any, **fields: Any) -> Any:
    return action(*arguments, **fields)


@pytest.fixture
def conversation(transactional_db: None) -> Conversation:
    """Somebody who waits for a person, with one question."""
    conversation = ConversationFactory()
    DeploymentFactory(bot=conversation.bot)
    conversations.post_message(conversation, text="Where is my parcel?")
    conversations.request_person(conversation)
    return conversation


@pytest.fixture
def ann(conversation: Conversation) -> User:
    return colleague("ann", conversation.bot)


@pytest.fixture
def cookie(ann: User) -> str:
    return cookie_of(ann)


@pytest.mark.parametrize("origin", [None, b"https://evil.example"])
async def test_a_foreign_origin_is_refused(cookie: str, origin: bytes | None) -> None:
    async with inbox(cookie, origin) as socket:
        assert await socket.close_code() == staff_socket.CLOSE_FORBIDDEN


@pytest.mark.parametrize(
    "stranger",
    [
        lambda: "",
        lambda: f"{settings.SESSION_COOKIE_NAME}=guess",
        lambda: cookie_of(colleague("eve", permissions=("view_conversation",))),
        lambda: cookie_of(colleague("eve", is_staff=False)),
        lambda: cookie_of(colleague("eve", permissions=())),
    ],
    ids=["anonymous", "guess", "only looks", "no staff", "no permission"],
)
async def test_strangers_hear_nothing(
    conversation: Conversation, stranger: Callable[[], str]
) -> None:
    async with inbox(await done(stranger)) as socket:
        assert await socket.close_code() == staff_socket.CLOSE_FORBIDDEN


async def test_the_list_shows_who_waits(conversation: Conversation, cookie: str) -> None:
    async with inbox(cookie) as socket:
        ready = await socket.frame()
        listed = await socket.ask("inbox.list", tab="waiting")

    assert ready["type"] == "ready"
    assert [bot["id"] for bot in ready["bots"]] == [str(conversation.bot.public_id)]
    assert ready["counts"] == {"waiting": 1, "mine": 0, "unread": 0, "team": 0, "bot": 0}
    [row] = listed["rows"]
    assert (row["id"], row["status"], row["reason"]) == (
        str(conversation.public_id), "waiting", "asked",
    )  # fmt: skip
    assert (row["unread"], row["last"]["text"]) == (1, "Where is my parcel?")


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"search": "PARCEL"}, 1),
        ({"search": "invoice"}, 0),
        ({"reason": "asked"}, 1),
        ({"reason": "unsure"}, 0),
        ({"locale": "zh-hans"}, 0),
        ({"bot": "00000000-0000-0000-0000-000000000000"}, 0),
    ],
)
async def test_filters_narrow_the_list(
    conversation: Conversation, cookie: str, filters: dict[str, str], count: int
) -> None:
    async with inbox(cookie) as socket:
        await socket.frame()
        listed = await socket.ask("inbox.list", tab="waiting", **filters)
    assert len(listed["rows"]) == count


async def test_an_agent_of_another_bot_sees_and_does_nothing(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All of it within a second, which no person manages.
    monkeypatch.setattr(staff_socket, "FRAMES_PER_SECOND", 1000)
    foreign = await done(lambda: cookie_of(colleague("eve", ConversationFactory().bot)))
    unknown = str(uuid.uuid4())
    requests: list[tuple[str, dict[str, Any]]] = [
        ("conversation.open", {}),
        ("conversation.take", {}),
        ("conversation.close", {}),
        ("conversation.hand_back", {}),
        ("conversation.assign", {"to": 1}),
        ("conversation.read", {"seq": 1}),
        ("agent.typing", {}),
        ("message.send", {"client_message_id": str(uuid.uuid4()), "text": "Hello"}),
        ("note.add", {"text": "Hello"}),
        ("reply.suggest", {}),
        ("suggestion.ignore", {"suggestion": unknown}),
        ("left_message.answered", {"left": unknown}),
    ]
    async with inbox(foreign) as socket:
        await socket.frame()
        assert (await socket.ask("inbox.list", tab="waiting"))["rows"] == []
        for kind, fields in requests:
            answers = [
                await socket.ask(kind, id=each, **fields)
                for each in (str(conversation.public_id), unknown)
            ]
            # Foreign and nonexistent are the same.
            assert answers[0] == {**answers[1], **_echoed(answers[0])}
            assert answers[0]["code"] == "not_found", kind
    await done(conversation.refresh_from_db)
    assert conversation.status == "waiting"


def _echoed(answer: dict[str, Any]) -> dict[str, Any]:
    return {k: answer[k] for k in ("client_message_id",) if k in answer}


async def test_an_agent_takes_over_writes_and_gives_it_back(
    conversation: Conversation, cookie: str
) -> None:
    name = str(conversation.public_id)
    async with inbox(cookie) as agent, Socket() as customer:
        await agent.frame()
        await customer.authenticate(conversation)
        opened = await agent.ask("conversation.open", id=name)
        assert opened["messages"][0]["text"] == "Where is my parcel?"

        await agent.request("conversation.take", id=name)
        changed = await customer.frame_of("conversation.changed")
        assert changed["conversation"]["status"] == "taken"
        assert changed["conversation"]["agent"] == {"name": "Ann"}

        await agent.request("agent.typing", id=name)
        await customer.frame_of("agent.typing")
        await customer.request("customer.typing")
        while (await agent.frame_of("conversation.event"))["frame"]["type"] != "customer.typing":
            pass

        said = {"client_message_id": str(uuid.uuid4()), "text": "Let me look."}
        await agent.request("message.send", id=name, **said)
        await agent.request("message.send", id=name, **said)
        first, again = [await agent.frame_of("message.accepted") for _ in range(2)]
        assert first == again
        created = await customer.frame_of("message.created")
        assert (created["message"]["text"], created["message"]["author"]) == ("Let me look.", "Ann")

        await agent.request("conversation.hand_back", id=name)
        changed = await customer.frame_of("conversation.changed")
        assert changed["conversation"]["status"] == "open"


async def test_only_who_has_it_writes(conversation: Conversation, cookie: str) -> None:
    ben = await done(lambda: colleague("ben", conversation.bot, permissions=AGENT[:1]))
    await done(takeover.take_over, conversation, by=ben)
    name = str(conversation.public_id)
    async with inbox(await done(cookie_of, await done(lambda: colleague(
        "cat", conversation.bot, permissions=AGENT[:1]
    )))) as socket:  # fmt: skip
        await socket.frame()
        requests: list[tuple[str, dict[str, Any]]] = [
            ("message.send", {"client_message_id": str(uuid.uuid4()), "text": "Hello"}),
            ("conversation.take", {}),
            ("conversation.hand_back", {}),
            ("conversation.close", {}),
            ("conversation.assign", {"to": 1}),
        ]
        codes = [(await socket.ask(kind, id=name, **fields))["code"] for kind, fields in requests]
    assert codes == ["not_taken", "taken", "not_taken", "not_taken", "forbidden"]


async def test_a_conversation_that_changes_moves_in_the_list(
    conversation: Conversation, ann: User, cookie: str
) -> None:
    name = str(conversation.public_id)
    async with inbox(cookie) as socket:
        await socket.frame()
        await socket.ask("inbox.list", tab="waiting")
        await done(takeover.take_over, conversation, by=ann)
        changed = await socket.frame_of("inbox.changed")
    assert (changed["rows"], changed["gone"]) == ([], [name])
    assert (changed["counts"]["waiting"], changed["counts"]["mine"]) == (0, 1)


async def test_customers_hear_no_note_and_no_suggestion(
    conversation: Conversation, cookie: str
) -> None:
    name = str(conversation.public_id)
    async with inbox(cookie) as agent, Socket() as customer:
        await agent.frame()
        await customer.authenticate(conversation)
        await agent.ask("conversation.open", id=name)
        await agent.request("note.add", id=name, text="Be careful.")
        event = await agent.frame_of("conversation.event")
        await agent.request("reply.suggest", id=name)
        await agent.frame_of("reply.suggested")
        assert await customer.communicator.receive_nothing(0.3)
        state = await customer.ask("conversation.resume", after=0)
    assert (event["frame"]["type"], event["frame"]["note"]["author"]) == ("note.added", "Ann")
    assert {each["role"] for each in state["messages"]} <= {"customer", "assistant", "notice"}


async def test_a_suggestion_is_written_for_the_agent_and_its_use_is_kept(
    conversation: Conversation, ann: User, cookie: str
) -> None:
    name = str(conversation.public_id)
    engine = ScriptedEngine(saying("It is ", "on its way."))
    await done(takeover.take_over, conversation, by=ann)
    async with inbox(cookie) as agent, running(engine):
        await agent.frame()
        await agent.ask("conversation.open", id=name)
        suggested = await suggestion_of(agent, name)
        assert suggested["text"] == "It is on its way."
        await agent.request(
            "message.send",
            id=name,
            client_message_id=str(uuid.uuid4()),
            text="It is on its way, Sir.",
            suggestion=suggested["id"],
            use="edited",
        )
        await agent.frame_of("message.accepted")

    message = await done(lambda: conversation.messages.get(role=Message.Role.AGENT))
    assert message.match == {"suggestion": suggested["id"], "use": "edited", "source": "model"}
    kept = await done(Suggestion.objects.get)
    assert kept.use == "edited"
    said = conversation.messages.filter(role=Message.Role.ASSISTANT, text__contains="on its way")
    assert not await done(said.exists)


async def suggestion_of(agent: Socket, name: str) -> dict[str, Any]:
    await agent.request("reply.suggest", id=name)
    while True:
        frame = (await agent.frame_of("conversation.event"))["frame"]
        if frame["type"] == "suggestion.changed":
            return dict(frame["suggestion"])


async def test_how_to_reach_somebody_is_no_request_of_the_socket(
    conversation: Conversation, cookie: str
) -> None:
    """It asks again who somebody is: tests/chat/test_left_messages.py."""
    left = await done(
        left_messages.leave, conversation, name="Sam", contact="+49 30 1234567", text="Call me."
    )
    name = str(conversation.public_id)
    async with inbox(cookie) as socket:
        await socket.frame()
        opened = await socket.ask("conversation.open", id=name)
        assert "1234567" not in str(opened)
        refused = await socket.ask("left_message.reveal", id=name, left=str(left.public_id))
    assert refused["type"] == "error"
    assert "1234567" not in str(refused)
    assert b"1234567" not in bytes(left.contact)


async def test_canned_replies_are_those_of_bot_and_language(
    conversation: Conversation, cookie: str
) -> None:
    await done(
        lambda: CannedReply.objects.bulk_create(
            [
                CannedReply(shortcut="hello", text="Hello from all."),
                CannedReply(shortcut="hello", text="Hello from us.", bot=conversation.bot),
                CannedReply(shortcut="bye", text="Goodbye."),
                CannedReply(shortcut="hallo", text="你好", locale="zh-hans"),
                CannedReply(shortcut="old", text="Old.", is_active=False),
            ]
        )
    )
    async with inbox(cookie) as socket:
        await socket.frame()
        opened = await socket.ask("conversation.open", id=str(conversation.public_id))
    assert sorted(each["text"] for each in opened["canned"]) == ["Goodbye.", "Hello from us."]


async def test_colleagues_see_who_is_here(
    conversation: Conversation, ann: User, cookie: str
) -> None:
    ben = await done(lambda: cookie_of(colleague("ben", conversation.bot)))
    async with inbox(cookie) as socket:
        ready = await socket.frame()
        assert [each["name"] for each in ready["people"]] == ["Ann"]
        async with inbox(ben):
            came = await socket.frame_of("presence.changed")
            while len(came["people"]) < 2:
                came = await socket.frame_of("presence.changed")
        went = await socket.frame_of("presence.changed")
    assert [each["name"] for each in came["people"]] == ["Ann", "Ben"]
    assert [each["name"] for each in went["people"]] == ["Ann"]


async def test_a_lost_right_ends_it_within_seconds(ann: User, cookie: str) -> None:
    async with inbox(cookie) as socket:
        await socket.frame()
        await done(ann.user_permissions.clear)
        assert await socket.close_code(5) == staff_socket.CLOSE_FORBIDDEN


async def test_whoever_is_disabled_asks_in_vain(ann: User, cookie: str) -> None:
    async with inbox(cookie) as socket:
        await socket.frame()
        await done(lambda: User.objects.filter(pk=ann.pk).update(is_active=False))
        await socket.request("inbox.list", tab="waiting")
        assert await socket.close_code() == staff_socket.CLOSE_FORBIDDEN


async def test_a_bot_that_is_taken_away_is_gone_within_seconds(
    conversation: Conversation, ann: User, cookie: str
) -> None:
    async with inbox(cookie) as socket:
        await socket.frame()
        await socket.ask("conversation.open", id=str(conversation.public_id))
        await done(remove_perm, "chat.work_on_bot", ann, conversation.bot)
        output = await socket.communicator.receive_output(5)
        assert "conversation.gone" in output["text"]
        await done(conversations.post_message, conversation, text="Anybody?")
        assert await socket.communicator.receive_nothing(0.5)


@pytest.mark.parametrize(
    "text", ["", "nothing", "[]", "{}", '{"type": "drop"}', '{"type": "conversation.open"}']
)
async def test_a_bad_frame_is_answered_with_a_code(cookie: str, text: str) -> None:
    async with inbox(cookie) as socket:
        await socket.frame()
        await socket.send(text=text)
        assert (await socket.frame())["type"] == "error"

"""The widget's REST endpoints, and that a stranger gets nothing from any of them."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from pytest_django import DjangoAssertNumQueries, Settings

from chat.models import Conversation, Message, Visitor
from tests.factories import BotFactory, ConversationFactory, MessageFactory, ReplyFactory

pytestmark = pytest.mark.django_db

ANN = "token-of-ann"
STRANGER = "token-of-charlie"


@pytest.fixture
def conversation() -> Conversation:
    return ConversationFactory(visitor__token=ANN)


@pytest.fixture
def call(client: Client) -> Any:
    """``call("post", path, token, **body)``: a request as a widget makes it."""

    def request(method: str, path: str, token: str | None = ANN, **body: Any) -> Any:
        headers = {} if token is None else {"Authorization": f"Visitor {token}"}
        if method == "get":
            return client.get(path, headers=headers)
        return client.post(path, body, content_type="application/json", headers=headers)

    return request


def test_anyone_may_become_a_visitor_of_an_active_bot(call: Any) -> None:
    bot = BotFactory()

    answer = call("post", f"/api/v1/bots/{bot.public_id}/visitors", token=None)

    assert answer.status_code == 201
    visitor = Visitor.objects.get(public_id=answer.json()["visitor"])
    assert visitor.bot == bot
    assert answer.json()["token"].encode() not in bytes(visitor.token_hash or b"")
    assert call("get", "/api/v1/conversations", answer.json()["token"]).json() == {"results": []}


def test_an_inactive_bot_is_no_bot(call: Any) -> None:
    for bot in (BotFactory(is_active=False).public_id, uuid.uuid4(), "no-uuid"):
        answer = call("post", f"/api/v1/bots/{bot}/visitors", token=None)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_new_visitors_are_limited_by_address(call: Any, settings: Settings) -> None:
    settings.CHAT_RATE_VISITORS_PER_ADDRESS = "1/hour"
    path = f"/api/v1/bots/{BotFactory().public_id}/visitors"

    call("post", path, token=None)
    answer = call("post", path, token=None)

    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_conversation_is_started_and_listed_newest_first(
    call: Any, conversation: Conversation
) -> None:
    started = call("post", "/api/v1/conversations", locale="zh-hans")

    assert (started.status_code, started.json()["locale"]) == (201, "zh-hans")
    listed = call("get", "/api/v1/conversations").json()["results"]
    assert [c["id"] for c in listed] == [started.json()["id"], str(conversation.public_id)]


def test_a_message_is_posted_once(call: Any, conversation: Conversation) -> None:
    path = f"/api/v1/conversations/{conversation.public_id}/messages"
    body = {"client_message_id": str(uuid.uuid4()), "text": "Hello?"}

    first, again = call("post", path, **body), call("post", path, **body)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Message.objects.filter(role="customer").count() == 1


@pytest.mark.parametrize("count", [1, 3])
def test_messages_after_a_seq_cost_the_same_few_queries(
    call: Any,
    conversation: Conversation,
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
) -> None:
    for _ in range(count + 1):
        MessageFactory(conversation=conversation)

    with django_assert_num_queries(3):
        answer = call("get", f"/api/v1/conversations/{conversation.public_id}/messages?after=1")

    assert [m["seq"] for m in answer.json()["messages"]] == list(range(2, count + 2))


@pytest.mark.parametrize("body", [{}, {"text": "Hi"}, {"client_message_id": "x", "text": "Hi"}])
def test_a_body_of_another_shape_is_invalid(
    call: Any, conversation: Conversation, body: dict[str, str]
) -> None:
    answer = call("post", f"/api/v1/conversations/{conversation.public_id}/messages", **body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert "client_message_id" in answer.json()["message"]


def test_refusals_speak_the_visitors_language(call: Any, client: Client) -> None:
    answer = client.get("/api/v1/conversations", headers={"Authorization": "Visitor guess"})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Visitor"


def test_stop_retry_and_thumbs(call: Any, conversation: Conversation) -> None:
    reply = ReplyFactory(conversation=conversation)
    path = f"/api/v1/messages/{reply.public_id}"

    assert call("post", f"{path}/cancel").json()["status"] == "cancelled"
    assert call("post", f"{path}/cancel").status_code == 400
    assert call("post", f"{path}/retry").json()["status"] == "pending"
    assert call("post", f"{path}/feedback", value="up").status_code == 400
    Message.objects.filter(pk=reply.pk).update(status="sent")
    answer = call("post", f"{path}/feedback", value="down", reasons=["wrong"], comment="No")
    assert answer.json()["feedback"] == {"value": "down", "reasons": ["wrong"], "comment": "No"}


def test_too_much_feedback_is_refused(
    call: Any, conversation: Conversation, settings: Settings
) -> None:
    settings.CHAT_RATE_MESSAGES_PER_VISITOR = "1/hour"
    reply = ReplyFactory(conversation=conversation, status="sent")
    path = f"/api/v1/messages/{reply.public_id}/feedback"

    assert call("post", path, value="up").status_code == 200
    answer = call("post", path, value="none")

    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    reply.refresh_from_db()
    assert reply.feedback.value == "up"


def test_a_person_is_asked_for(call: Any, conversation: Conversation) -> None:
    answer = call("post", f"/api/v1/conversations/{conversation.public_id}/person")

    assert (answer.status_code, answer.json()["status"]) == (200, "waiting")


OBJECT_ENDPOINTS = [
    ("get", "/api/v1/conversations/{conversation}/messages"),
    ("post", "/api/v1/conversations/{conversation}/messages"),
    ("post", "/api/v1/conversations/{conversation}/ticket"),
    ("post", "/api/v1/conversations/{conversation}/person"),
    ("post", "/api/v1/messages/{message}/feedback"),
    ("post", "/api/v1/messages/{message}/cancel"),
    ("post", "/api/v1/messages/{message}/retry"),
]


@pytest.mark.parametrize(("method", "path"), OBJECT_ENDPOINTS)
def test_a_stranger_finds_nothing(
    call: Any, conversation: Conversation, method: str, path: str
) -> None:
    """Foreign and missing ids answer alike, and without a token nothing is even looked for."""
    ConversationFactory(visitor__token=STRANGER)
    reply = ReplyFactory(conversation=conversation)
    body = {"client_message_id": str(uuid.uuid4()), "text": "Hi", "value": "up"}
    foreign = path.format(conversation=conversation.public_id, message=reply.public_id)
    missing = path.format(conversation=uuid.uuid4(), message=uuid.uuid4())

    answers = [call(method, each, STRANGER, **body) for each in (foreign, missing)]
    nobody = call(method, foreign, None, **body)

    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert nobody.status_code == 401
    reply.refresh_from_db()
    assert (reply.status, conversation.messages.count()) == ("pending", 2)


def test_no_endpoint_is_missing_from_these_tests() -> None:
    """A new route fails here until it stands in a table of this file, or below with its tests."""
    routes = {
        str(route.pattern)
        for resolver in get_resolver().url_patterns
        if isinstance(resolver, URLResolver) and str(resolver.pattern) == "api/v1/"
        for route in resolver.url_patterns
    }
    listed = {
        path.replace("/api/v1/", "").format(
            conversation="<str:conversation>", message="<str:message>"
        )
        for _, path in OBJECT_ENDPOINTS
    }
    assert routes == listed | {
        "schema",
        "docs",
        "chat",
        "moderation",
        "conversations",
        "bots/<str:bot>/visitors",
        # tests/chat/api/test_events.py
        "events",
        # tests/training/api/test_views.py
        "bots/<str:bot>/models",
        "bots/<str:bot>/experiments",
        "bots/<str:bot>/deployments",
        "bots/<str:bot>/runners",
        "models/<str:model>",
        "models/<str:model>/comparison",
        "experiments/<str:experiment>",
    }


def test_the_schema_is_complete(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.get(reverse("api-schema"), headers={"Accept": "application/json"})

    assert answer.status_code == 200
    assert capsys.readouterr().err == ""

"""POST /chat: one question, one answer, for the holder of an API key."""

import threading
import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat.models import Message
from chat.services import replies, visitors
from chat.services.replies import Provenance
from tests.factories import BotFactory, ConversationFactory

PATH = "/api/v1/chat"


@pytest.fixture
def key(db: None) -> str:
    return visitors.issue_api_key(BotFactory(), name="shop")[1]


def ask(client: Client, key: str | None, **body: Any) -> Any:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return client.post(PATH, body, content_type="application/json", headers=headers)


@pytest.mark.django_db(transaction=True)
def test_a_question_gets_its_answer(client: Client) -> None:
    _, key = visitors.issue_api_key(BotFactory(), name="shop")

    def run() -> None:
        while not (claims := replies.claim(owner="runner", limit=1)):
            time.sleep(0.02)
        replies.settle_sent(
            claims[0],
            text="In the post.",
            source="model",
            provenance=Provenance(None),
        )
        connection.close()

    runner = threading.Thread(target=run)
    runner.start()
    answer = ask(client, key, question="Where is my parcel?")
    runner.join()

    assert answer.status_code == 200
    assert answer.json()["answer"] == "In the post."
    assert answer.json()["source"] == "model"


@pytest.mark.django_db(transaction=True)
def test_whoever_waits_holds_no_connection(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As PostgreSQL is used: a connection that was given back is somebody else's turn.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    connection.close()
    settings.CHAT_REPLY_DEADLINE_SECONDS = 1
    _, key = visitors.issue_api_key(BotFactory(), name="shop")
    sleep, held = time.sleep, []

    def nap(seconds: float) -> None:
        held.append(connection.connection is not None)
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", nap)

    assert ask(client, key, question="Where is my parcel?").json()["status"] == "pending"

    assert held
    assert not any(held)


def test_without_an_answer_it_says_so(client: Client, key: str, settings: Settings) -> None:
    settings.CHAT_REPLY_DEADLINE_SECONDS = 0

    answer = ask(client, key, question="Where is my parcel?")

    assert (answer.status_code, answer.json()["status"]) == (503, "pending")


def test_a_busy_bot_says_so(client: Client, key: str, settings: Settings) -> None:
    settings.CHAT_QUEUE_LIMIT = 0

    answer = ask(client, key, question="Where is my parcel?")

    assert (answer.status_code, answer.json()["code"]) == (503, "busy")


@pytest.mark.parametrize("question", ["", " ", "a\x00b", "x" * 4001])
def test_what_is_no_question_is_invalid(client: Client, key: str, question: str) -> None:
    answer = ask(client, key, question=question)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not Message.objects.exists()


def test_strangers_are_refused(client: Client, key: str) -> None:
    api_key = BotFactory().api_keys
    revoked, revoked_secret = visitors.issue_api_key(BotFactory(), name="old")
    revoked.revoked_at = timezone.now()
    revoked.save()

    for secret in (None, "guess", revoked_secret, f"{key} {key}"):
        answer = ask(client, secret, question="Hi?")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert not api_key.exists()
    assert not Message.objects.exists()


def test_a_key_reaches_no_conversation_of_widgets_or_other_bots(client: Client, key: str) -> None:
    bot = BotFactory()
    foreign = visitors.start_server_conversation(bot, locale="en")
    of_widget = ConversationFactory()

    for conversation in (foreign, of_widget):
        answer = ask(client, key, question="Hi?", conversation=str(conversation.public_id))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

"""The runner: claims, streams, settles; survives errors; stops cleanly."""

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from chat import prompts
from chat.inference.engine import ChatMessage, EngineError
from chat.models import Conversation, Message
from chat.services import replies
from tests.chat.scripted import ScriptedEngine, ask, running, saying, settled
from tests.chat.sockets import Socket
from tests.factories import ConversationFactory, DeploymentFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation(transactional_db: None) -> Conversation:
    return ConversationFactory(bot=DeploymentFactory().bot)


async def test_a_question_is_answered_and_the_answer_says_where_it_came_from(
    conversation: Conversation,
) -> None:
    async with running(ScriptedEngine(saying(" In", " the", " post."))):
        reply = await settled(await ask(conversation))

    assert (reply.status, reply.text, reply.source) == ("sent", "In the post.", "model")
    assert (reply.deployment_id, reply.prompt_version) == (
        (await database_sync_to_async(conversation.bot.deployments.get)()).pk,
        prompts.VERSION,
    )
    assert 0 <= reply.timings["first_token"] <= reply.timings["answer"]


async def test_the_prompt_holds_instructions_and_what_was_said(conversation: Conversation) -> None:
    engine = ScriptedEngine(saying("Yes."))
    async with running(engine):
        await settled(await ask(conversation, "First?"))
        await settled(await ask(conversation, "Second?"))

    assert engine.prompts[1] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "First?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Second?"},
    ]


async def test_watchers_see_the_answer_grow_and_then_whole(conversation: Conversation) -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def script(messages: list[ChatMessage]) -> Iterator[str]:
        yield "Grüße 🙂 "
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(5)
        yield "aus Köln, ja"
        time.sleep(0.2)

    async with running(ScriptedEngine(script)), Socket() as socket:
        await socket.authenticate(conversation)
        await ask(conversation)
        first = await socket.frame_of("message.delta")
        gate.set()
        second = await socket.frame_of("message.delta")
        sent = await socket.frame_of("message.sent")

    assert (first["offset"], first["text"]) == (0, "Grüße 🙂 ")
    # In UTF-16, as JavaScript counts: the emoji takes two.
    assert (second["offset"], second["text"]) == (9, "aus Köln, ")
    assert sent["message"]["text"] == "Grüße 🙂 aus Köln, ja"


async def test_who_comes_late_gets_the_text_so_far(conversation: Conversation) -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def script(messages: list[ChatMessage]) -> Iterator[str]:
        yield "It is on, "
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(5)
        yield "its way, "
        time.sleep(0.2)

    async with running(ScriptedEngine(script)):
        async with Socket() as early:
            await early.authenticate(conversation)
            await ask(conversation)
            await early.frame_of("message.delta")
        async with Socket() as late:
            await late.authenticate(conversation)
            await late.request("conversation.resume", after=0)
            repeated = await late.frame_of("message.delta")
            gate.set()
            more = await late.frame_of("message.delta")

    assert (repeated["offset"], repeated["text"]) == (0, "It is on, ")
    assert (more["offset"], more["text"]) == (10, "its way, ")


async def test_stop_ends_the_engine_and_keeps_what_was_said(conversation: Conversation) -> None:
    def script(messages: list[ChatMessage]) -> Iterator[str]:
        yield "It is"
        for number in range(1000):
            yield f" {number}"
            time.sleep(0.01)

    engine = ScriptedEngine(script)
    async with running(engine) as runner, Socket() as socket:
        await socket.authenticate(conversation)
        reply = await ask(conversation)
        await socket.frame_of("message.delta")
        await database_sync_to_async(replies.cancel)(reply)
        for _ in range(100):
            if not runner.seats:
                break
            await asyncio.sleep(0.02)
        await database_sync_to_async(reply.refresh_from_db)()

    assert engine.cancelled == {str(reply.public_id)}
    assert reply.status == "cancelled"
    assert reply.text.startswith("It is")


@pytest.mark.parametrize(
    ("error", "attempts", "code"),
    [
        (EngineError("no", code="prompt_too_long", retryable=False), 1, "prompt_too_long"),
        (EngineError("again"), 3, "engine_error"),
    ],
)
async def test_engine_errors_become_codes_never_text(
    conversation: Conversation, error: EngineError, attempts: int, code: str
) -> None:
    def script(messages: list[ChatMessage]) -> Iterator[str]:
        yield "Half of an"
        raise error

    async with running(ScriptedEngine(script)):
        reply = await settled(await ask(conversation))

    assert (reply.status, reply.code, reply.text) == ("failed", code, "")
    assert reply.attempt == attempts


async def test_a_question_beyond_the_window_fails_with_its_own_code(
    conversation: Conversation,
) -> None:
    async with running(ScriptedEngine(saying("never"))):
        reply = await settled(await ask(conversation, "word " * 300))

    assert (reply.status, reply.code) == ("failed", "prompt_too_long")


async def test_a_bot_without_a_model_says_so(transactional_db: None) -> None:
    async with running(ScriptedEngine(saying("never"))):
        reply = await settled(await ask(await database_sync_to_async(ConversationFactory)()))

    assert (reply.status, reply.code) == ("failed", "no_model")


async def test_a_fault_in_one_reply_does_not_end_the_loop(
    conversation: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    def script(messages: list[ChatMessage]) -> Iterator[str]:
        if messages[-1]["content"] == "Crash?":
            raise ZeroDivisionError
        yield "Fine."

    other = await database_sync_to_async(ConversationFactory)(bot=conversation.bot)
    async with running(ScriptedEngine(script)):
        await ask(conversation, "Crash?")
        reply = await settled(await ask(other))

    assert reply.text == "Fine."
    assert "ZeroDivisionError" in caplog.text


async def test_stopping_gives_unfinished_replies_back(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.runner.FINISH_SECONDS", 0.2)

    def script(messages: list[ChatMessage]) -> Iterator[str]:
        for number in count():
            yield f"{number} "
            time.sleep(0.01)

    async with running(ScriptedEngine(script)), Socket() as socket:
        await socket.authenticate(conversation)
        reply = await ask(conversation)
        await socket.frame_of("message.delta")
    await database_sync_to_async(reply.refresh_from_db)()

    assert (reply.status, reply.text, reply.attempts_left) == ("pending", "", 3)


async def test_replies_of_one_conversation_come_in_order_and_of_many_side_by_side(
    conversation: Conversation,
) -> None:
    busy: set[str] = set()
    most = 0

    def script(messages: list[ChatMessage]) -> Iterator[str]:
        nonlocal most
        key = uuid.uuid4().hex
        busy.add(key)
        most = max(most, len(busy))
        time.sleep(0.1)
        busy.discard(key)
        yield messages[-1]["content"]

    others = [await database_sync_to_async(ConversationFactory)(bot=conversation.bot) for _ in "ab"]
    questions: list[tuple[Any, str]] = [(conversation, f"q{n}") for n in range(3)]
    questions += [(other, f"q of {other.pk}") for other in others]
    async with running(ScriptedEngine(script), seats=2):
        asked = [await ask(*question) for question in questions]
        answers = [await settled(reply) for reply in asked]

    assert [a.text for a in answers] == [question for _, question in questions]
    assert most == 2


async def test_as_many_answers_are_written_at_once_as_there_are_seats(
    conversation: Conversation,
) -> None:
    everybody = threading.Barrier(12)

    def script(messages: list[ChatMessage]) -> Iterator[str]:
        everybody.wait(timeout=10)
        yield "Together."

    others = [
        await database_sync_to_async(ConversationFactory)(bot=conversation.bot) for _ in range(12)
    ]
    async with running(ScriptedEngine(script), seats=12):
        # Different questions: the same ones would be answered once for all.
        replies_of_all = [await ask(other, f"q of {other.pk}") for other in others]
        assert {(await settled(reply)).text for reply in replies_of_all} == {"Together."}


async def test_waiting_replies_are_found_without_a_call(conversation: Conversation) -> None:
    """The doorbell is a convenience: rows written while nobody listened are answered, too."""
    question = await database_sync_to_async(MessageFactory)(conversation=conversation)
    async with running(ScriptedEngine(saying("Here."))):
        await asyncio.sleep(0.3)
        reply = await database_sync_to_async(Message.objects.create)(
            conversation=conversation,
            seq=2,
            role="assistant",
            status="pending",
            reply_to=question,
            queued_at=timezone.now(),
            attempts_left=3,
        )
        assert (await settled(reply)).text == "Here."

"""A suggestion is written while nobody waits, and begun anew when somebody did."""

import asyncio
import threading
import time
from collections.abc import Iterator
from itertools import count

import pytest
from channels.db import database_sync_to_async

from chat.inference.engine import ChatMessage
from chat.models import Message, Suggestion
from tests.chat.scripted import ScriptedEngine, ask, running, settled
from tests.factories import ConversationFactory, DeploymentFactory, MessageFactory

FOR_THE_AGENT = "What does the agent say?"


class Slow(ScriptedEngine):
    """Writes the first suggestion until somebody ends it."""

    def __init__(self) -> None:
        super().__init__(self._said)
        self.began = threading.Event()

    def _said(self, messages: list[ChatMessage]) -> Iterator[str]:
        if messages[-1]["content"] == FOR_THE_AGENT and not self.began.is_set():
            self.began.set()
            for number in count():
                yield f"{number} "
                time.sleep(0.01)
        yield "In the post."


def wanted() -> Suggestion:
    conversation = ConversationFactory(bot=DeploymentFactory().bot, status="taken")
    question = MessageFactory(conversation=conversation, text=FOR_THE_AGENT)
    return Suggestion.objects.create(conversation=conversation, question=question)


async def written(suggestion: Suggestion) -> Suggestion:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        await database_sync_to_async(suggestion.refresh_from_db)()
        if suggestion.status in (Suggestion.Status.READY, Suggestion.Status.FAILED):
            return suggestion
        await asyncio.sleep(0.02)
    raise TimeoutError(f"the suggestion is still {suggestion.status}")


@pytest.mark.django_db(transaction=True)
async def test_it_gives_way_to_a_customer_and_is_written_afterwards() -> None:
    suggestion = await database_sync_to_async(wanted)()
    customer = await database_sync_to_async(ConversationFactory)(bot=suggestion.conversation.bot)
    engine = Slow()
    async with running(engine, seats=1):
        assert await asyncio.to_thread(engine.began.wait, 10)
        reply = await settled(await ask(customer))
        assert (reply.status, reply.text) == ("sent", "In the post.")
        ready = await written(suggestion)

    assert (ready.status, ready.text) == ("ready", "In the post.")
    asked = [each[-1]["content"] for each in engine.prompts]
    assert asked == [FOR_THE_AGENT, "Where is it?", FOR_THE_AGENT]
    assert await Message.objects.filter(conversation=suggestion.conversation).acount() == 1

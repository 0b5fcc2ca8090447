"""An engine that says what a test tells it to, and a runner at work with it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from channels.db import database_sync_to_async

from chat.deployments import EngineShelf
from chat.errand import Shelves
from chat.inference.engine import ChatMessage, Continuation, Engine, EngineError, GenerationParams
from chat.models import Conversation, Message
from chat.runner import Runner
from chat.services import conversations


class ScriptedEngine:
    """Says what the test tells it to, word by word, and waits where the test wants to look."""

    name = "scripted"
    device = "cpu"
    seats = 4
    context_length = 400

    def __init__(self, script: Callable[[list[ChatMessage]], Iterator[str]]) -> None:
        self.script = script
        self.cancelled: set[str] = set()
        self.prompts: list[list[ChatMessage]] = []

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        return sum(len(m["content"].split()) for m in messages)

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        self.prompts.append(list(messages))
        self.cancelled.discard(request_id)
        for delta in self.script(list(messages)):
            if request_id in self.cancelled:
                return
            yield delta

    def likelihoods(self, request_id: str, continuations: Sequence[Continuation]) -> list[float]:
        raise EngineError("there is no model", code="cannot_weigh", retryable=False)

    def cancel(self, request_id: str) -> None:
        self.cancelled.add(request_id)

    def close(self) -> None:
        pass


def saying(*words: str) -> Callable[[list[ChatMessage]], Iterator[str]]:
    """A script that always says the same."""
    return lambda messages: iter(words)


@contextlib.asynccontextmanager
async def running(engine: Engine, seats: int = 2) -> AsyncIterator[Runner]:
    """A runner at work with ``engine`` for every deployment."""
    shelves = Shelves(EngineShelf(opener=lambda spec: engine))
    runner = Runner(shelves, seats=seats, is_swapping=False)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.stop()
        await asyncio.wait_for(task, 15)


async def ask(conversation: Conversation, text: str = "Where is it?") -> Message:
    """Post a question; returns the reply's row."""
    posted = await database_sync_to_async(conversations.post_message)(conversation, text=text)
    reply: Message = await database_sync_to_async(Message.objects.get)(reply_to=posted.message)
    return reply


async def settled(reply: Message, seconds: float = 10) -> Message:
    """The reply once it is settled. Raises ``TimeoutError``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        await database_sync_to_async(reply.refresh_from_db)()
        if reply.is_settled:
            return reply
        await asyncio.sleep(0.02)
    raise TimeoutError(f"the reply is still {reply.status}")

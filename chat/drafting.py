"""A suggestion for an agent while it is being written: the way of a reply, seen by no customer."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

from channels.db import database_sync_to_async

from chat import answering, errand, ready
from chat.answering import AnswerRequest
from chat.errand import Errand, Shelves
from chat.inference.engine import EngineError
from chat.models import Message, Suggestion
from chat.services import suggestions
from chat.services.replies import Claim
from chat.services.suggestions import Drafted
from moderation.findings import Direction
from moderation.services.screening import ScreenedStream

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Draft:
    """Settles one claimed suggestion, unless it has to give way to a customer."""

    def __init__(self, suggestion: Suggestion, shelves: Shelves, threads: Executor) -> None:
        self.suggestion = suggestion
        self._shelves = shelves
        self._threads = threads
        self._claim = Claim(suggestions.as_reply(suggestion), suggestion.lease_owner, 0)
        self._errand: Errand | None = None
        self._gives_way = False
        self._logprobs: list[float] = []

    async def write(self) -> None:
        """Settle the suggestion. Whatever goes wrong, the agent hears that there is none."""
        drafted: Drafted | None = None
        try:
            drafted = await self._drafted()
        except EngineError as error:
            logger.warning("suggestion %s: %s (%s)", self.suggestion.public_id, error, error.code)
        finally:
            if self._errand is not None:
                await self._in_thread(self._shelves.engines.give_back, self._errand.served)
        if self._gives_way:
            await database_sync_to_async(suggestions.release)(self.suggestion)
        else:
            await database_sync_to_async(suggestions.settle)(self.suggestion, drafted)

    def give_way(self) -> None:
        """A customer waits: stop, and begin anew when nobody does."""
        self._gives_way = True
        if self._errand is not None:
            self._errand.served.engine.cancel(str(self.suggestion.public_id))

    async def _drafted(self) -> Drafted | None:
        task = await database_sync_to_async(errand.prepare)(self._claim, self._shelves)
        self._errand = task
        found = task.ready
        if found is None:
            await self._in_thread(errand.search, task, self._shelves)
            found = await database_sync_to_async(errand.by_meaning)(task)
        if found is not None:
            return Drafted(found.text, found.source, task.served.deployment, found.answer)
        screen, request = await database_sync_to_async(self._request)(task)
        if task.served.style == "number" and not task.reading.near:
            return None
        text = await self._in_thread(self._generate, task, request, screen)
        if self._gives_way or screen.guard.is_blocked or not text:
            return None
        await database_sync_to_async(screen.conclude)()
        drafted: Drafted | None = await database_sync_to_async(self._concluded)(task, text)
        return drafted

    def _request(self, task: Errand) -> tuple[ScreenedStream, AnswerRequest]:
        conversation = str(self.suggestion.conversation.public_id)
        screen = ScreenedStream(
            Direction.OUTBOUND, scope=conversation, reference=str(self.suggestion.public_id)
        )
        return screen, errand.request(task, self._logprobs.append)

    def _generate(self, task: Errand, request: AnswerRequest, screen: ScreenedStream) -> str:
        """In a thread: all that the engine writes, as moderation lets it through."""
        text = ""
        stream: Iterator[str] = answering.answer(request, task.served.engine)
        with contextlib.closing(stream):  # type: ignore[type-var]  # a generator
            for delta in stream:
                if self._gives_way or screen.guard.is_blocked:
                    return ""
                text += screen.guard.push(delta)
        return (text + screen.guard.close()).strip()

    def _concluded(self, task: Errand, text: str) -> Drafted | None:
        sure = errand.sureness(task, tuple(self._logprobs))
        source: str = Message.Source.MODEL
        answer = None
        if task.served.style == "number":
            named = ready.by_number(task.question, task.reading, text)
            if named is None:
                return None
            text, source, answer = named.text, named.source, named.answer
        return Drafted(text, source, task.served.deployment, answer, sure)

    async def _in_thread(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)

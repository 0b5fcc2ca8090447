"""Answers that are made beside serving: they go the way of a reply, are seen by no customer, and
give way to who waits."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

from channels.db import database_sync_to_async

from chat import answering, errand
from chat.answering import AnswerRequest
from chat.deployments import Served
from chat.errand import Errand, Shelves
from chat.ready import Ready
from chat.services.replies import Claim
from moderation.services.screening import ScreenedStream

T = TypeVar("T")


class Aside:
    """The way of one such answer, for whoever claimed it and settles it.

    ``claim`` is of the reply that it stands for. Who takes an engine puts it into ``served``, and
    calls :meth:`give_back` in every exit. What ``gives_way`` is released instead of settled.
    """

    def __init__(self, claim: Claim, shelves: Shelves, threads: Executor) -> None:
        self.claim = claim
        self.shelves = shelves
        self.served: Served | None = None
        self.gives_way = False
        self._threads = threads
        self._logprobs: list[float] = []

    def give_way(self) -> None:
        """Somebody waits: stop, and begin anew when nobody does."""
        self.gives_way = True
        if self.served is not None:
            self.served.engine.cancel(str(self.claim.message.public_id))

    async def give_back(self) -> None:
        """The engine is no longer needed."""
        if self.served is not None:
            await self.in_thread(self.shelves.engines.give_back, self.served)

    async def find(self, task: Errand) -> Ready | None:
        """The answer that needs no model, if there is one."""
        if task.ready is not None:
            return task.ready
        await self.in_thread(errand.search, task)
        found: Ready | None = await database_sync_to_async(errand.by_meaning)(task)
        return found

    def request(self, task: Errand) -> tuple[ScreenedStream, AnswerRequest]:
        """What the model is asked, and the moderation of what it says. Asks the database."""
        return errand.screen(task), errand.request(task, self._logprobs.append)

    async def generate(self, task: Errand, request: AnswerRequest, screen: ScreenedStream) -> str:
        """All that the engine writes, as moderation lets it through; empty when that blocks it or
        somebody waits. Raises :class:`EngineError`."""
        return await self.in_thread(self._generate, task, request, screen)

    def sureness(self, task: Errand) -> float | None:
        """How likely what was generated is right; see :func:`chat.errand.sureness`."""
        return errand.sureness(task, tuple(self._logprobs))

    async def in_thread(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)

    def _generate(self, task: Errand, request: AnswerRequest, screen: ScreenedStream) -> str:
        text = ""
        stream: Iterator[str] = answering.answer(request, task.served.engine)
        with contextlib.closing(stream):  # type: ignore[type-var]  # a generator
            for delta in stream:
                if self.gives_way or screen.guard.is_blocked:
                    return ""
                text += screen.guard.push(delta)
        return (text + screen.guard.close()).strip()

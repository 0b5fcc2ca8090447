"""One shadow answer while it is being written: the way of a reply, seen by no customer."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from channels.db import database_sync_to_async
from django.db import transaction

from chat import answering, errand, ready
from chat.answering import AnswerRequest
from chat.deployments import Served
from chat.errand import Errand, Shelves
from chat.inference.engine import EngineError
from chat.knowledge import sameness
from chat.knowledge.embedding import EmbeddingError
from chat.knowledge.sameness import Comparison, Said
from chat.models import CuratedAnswer, Message, ShadowAnswer
from chat.services import shadow_answers
from chat.services.replies import Claim
from chat.services.shadow_answers import Answered
from moderation.findings import Direction
from moderation.services.screening import ScreenedStream

logger = logging.getLogger(__name__)

T = TypeVar("T")

NOT_COMPARED = "not_compared"
"""The embedder was away: people decide whether the two say the same."""


@dataclass(frozen=True, slots=True)
class _Words:
    """What the candidate says; without ``text`` it offers a person, and ``code`` says why."""

    text: str
    source: str
    code: str = ""
    answer: CuratedAnswer | None = None
    confidence: float | None = None


class ShadowSeat:
    """Settles one claimed shadow answer, unless it has to give way to somebody who waits."""

    def __init__(self, answer: ShadowAnswer, shelves: Shelves, thread: Executor) -> None:
        self.answer = answer
        self._shelves = shelves
        self._thread = thread
        self._claim = Claim(shadow_answers.as_reply(answer), answer.lease_owner, answer.attempts)
        self._served: Served | None = None
        self._gives_way = False
        self._screen: ScreenedStream | None = None
        self._logprobs: list[float] = []

    async def write(self) -> None:
        """Settle the shadow answer. Engine errors settle it, too."""
        said: Answered | None = None
        code = "engine_error"
        try:
            said = await self._said()
        except EngineError as error:
            logger.warning("shadow answer %s: %s (%s)", self.answer.public_id, error, error.code)
            code = error.code
        finally:
            if self._served is not None:
                await self._in_thread(self._shelves.engines.give_back, self._served)
        if self._gives_way:
            await database_sync_to_async(shadow_answers.release)(self.answer)
        elif said is None:
            await database_sync_to_async(shadow_answers.fail)(self.answer, code)
        else:
            await database_sync_to_async(self._settle)(said)

    def give_way(self) -> None:
        """Somebody waits: stop, and begin anew when nobody does."""
        self._gives_way = True
        if self._served is not None:
            self._served.engine.cancel(str(self.answer.public_id))

    @transaction.atomic
    def _settle(self, said: Answered) -> None:
        """Of a conversation that was erased meanwhile nothing is kept, no original either."""
        if shadow_answers.settle(self.answer, said) and self._screen is not None:
            self._screen.conclude()

    async def _said(self) -> Answered | None:
        self._served = self._shelves.engines.take_beside(self.answer.shadow.candidate_id)
        if self._served is None:
            # The shadow has ended, or this runner lost the engine: another one may have it.
            self._gives_way = True
            return None
        task = await database_sync_to_async(errand.prepare_beside)(
            self._claim, self._shelves, self._served
        )
        begun = time.monotonic()
        words = await self._words(task)
        latency = time.monotonic() - begun
        if words is None:
            return None
        comparison = await self._in_thread(self._compare, task, words)
        return Answered(
            text=words.text,
            source=words.source,
            comparison=comparison,
            latency=latency,
            code=words.code,
            curated_answer=words.answer,
            confidence=words.confidence,
        )

    async def _words(self, task: Errand) -> _Words | None:
        """As :class:`chat.seat.Seat` would settle it, without a cache and without anybody to see."""
        found = task.ready
        if found is None:
            await self._in_thread(errand.search, task, self._shelves)
            found = await database_sync_to_async(errand.by_meaning)(task)
        if found is not None:
            return _Words(found.text, found.source, answer=found.answer)
        screen, request = await database_sync_to_async(self._request)(task)
        self._screen = screen
        text = ""
        if errand.is_worth_trying(task) and not self._gives_way:
            text = await self._in_thread(self._generate, task, request, screen)
        if self._gives_way:
            return None
        if screen.guard.is_blocked:
            return _Words("", Message.Source.NOTICE, "withheld")
        words: _Words = await database_sync_to_async(self._concluded)(task, text)
        return words

    def _request(self, task: Errand) -> tuple[ScreenedStream, AnswerRequest]:
        conversation = str(self.answer.message.conversation.public_id)
        screen = ScreenedStream(
            Direction.OUTBOUND, scope=conversation, reference=str(self.answer.public_id)
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

    def _concluded(self, task: Errand, text: str) -> _Words:
        sure = errand.sureness(task, tuple(self._logprobs))
        threshold = self.answer.message.conversation.bot.confidence_threshold
        is_unsure = sure is not None and sure < threshold
        answer = None
        if task.served.style == "number":
            named = ready.by_number(task.question, task.reading, text)
            is_shown = named is not None and not (is_unsure and errand.is_offered_when_unsure(task))
            text, answer = (named.text, named.answer) if named else ("", None)
        else:
            is_shown = bool(text) and not (is_unsure and errand.is_shown_only_when_sure(task))
        if not is_shown:
            return _Words("", Message.Source.NOTICE, "unsure", confidence=sure)
        return _Words(text, Message.Source.MODEL, answer=answer, confidence=sure)

    def _compare(self, task: Errand, words: _Words) -> Comparison:
        """In a thread: with what the customer was told."""
        live = self.answer.message
        told = Said(
            "" if live.source == Message.Source.NOTICE else live.text, live.curated_answer_id
        )
        said = Said(words.text, words.answer.pk if words.answer else None)
        found = sameness.at_a_glance(told, said)
        if found is not None:
            return found
        library = task.library
        if library is None:
            return Comparison(None, NOT_COMPARED)
        try:
            one, other = self._shelves.libraries.embedder.embed([told.text, said.text])
        except EmbeddingError as error:
            logger.warning("shadow answer %s not compared: %s", self.answer.public_id, error)
            return Comparison(None, NOT_COMPARED)
        return sameness.compare(
            told, said, round(float(one @ other), 4), library.thresholds.direct, library.names
        )

    async def _in_thread(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)

"""One reply while it is being written: engine thread on one side, watchers on the other."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from chat import answering, errand, prompts, ready
from chat.answer_cache import CachedAnswer
from chat.answering import AnswerRequest
from chat.errand import Errand, Shelves
from chat.events import REPLY_CODES, Delta
from chat.flight import Flight
from chat.inference.engine import EngineError
from chat.models import Message
from chat.presentation import utf16_length
from chat.ready import Ready
from chat.services import replies
from chat.services.replies import Claim, Provenance
from moderation.current import current_policy
from moderation.services.screening import ScreenedStream

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.05

T = TypeVar("T")


class Seat:
    """Settles one claimed reply, unless it is taken away: with an answer that exists already,
    or with what the model writes.

    ``text`` is what moderation let through: nothing else is shown or stored.
    """

    def __init__(self, claim: Claim, shelves: Shelves, threads: Executor) -> None:
        self.claim = claim
        self.message_id = str(claim.message.public_id)
        self.text = ""
        self._shelves = shelves
        self._threads = threads
        self._errand: Errand | None = None
        self._screen: ScreenedStream | None = None
        self._shown = 0
        self._repeat = False
        self._over = False
        self._hidden = False
        self._news = asyncio.Event()
        self._written = asyncio.Event()
        self._begun = time.monotonic()
        self._queued = _seconds_since(claim.message.queued_at)
        self._first_token: float | None = None
        self._logprobs: list[float] = []
        self._flight = Flight(shelves.cache, owner=f"{self.message_id}.{claim.attempt}")

    async def answer(self) -> None:
        """Settle the reply. Engine errors settle it, too."""
        try:
            await self._answer()
        except EngineError as error:
            logger.warning("reply %s: %s (%s)", self.message_id, error, error.code)
            if not self._over:
                await database_sync_to_async(replies.settle_failed)(
                    self.claim,
                    # What an engine calls its trouble is for operators, in the log.
                    code=error.code if error.code in REPLY_CODES else "engine_error",
                    retryable=error.retryable,
                )
        finally:
            if self._errand is not None:
                await self._in_thread(self._shelves.engines.give_back, self._errand.served)
            await self._in_thread(self._flight.land)
        if self._over:
            await database_sync_to_async(self._keep_cancelled)()

    async def _answer(self) -> None:
        task = await database_sync_to_async(errand.prepare)(self.claim, self._shelves)
        self._errand = task
        found = task.ready or await self._find(task) or await self._share(task)
        if self._over:
            return
        if found is not None:
            await database_sync_to_async(self._settle_ready)(task, found)
            return
        request = await database_sync_to_async(self._request)(task)
        if errand.is_worth_trying(task):
            await self._write(request, hidden=errand.is_shown_only_when_sure(task))
        if not self._over:
            settle = (
                self._settle_named if prompts.names_answers(task.served.style) else self._settle
            )
            await database_sync_to_async(settle)(task)

    async def _find(self, task: Errand) -> Ready | None:
        """An approved answer to what was meant."""
        await self._in_thread(errand.search, task)
        found: Ready | None = await database_sync_to_async(errand.by_meaning)(task)
        return found

    async def _share(self, task: Errand) -> Ready | None:
        """The answer that is being written for somebody else who asks the same."""
        if not (key := task.cache_key):
            return None
        text = await self._in_thread(self._flight.join, key, lambda: self._over)
        if text is None:
            return None
        visitor = str(self.claim.message.conversation.visitor_id)
        await self._in_thread(self._shelves.cache.note_asked, key, visitor)
        found: Ready | None = await database_sync_to_async(ready.from_cache)(
            task.question, key, text
        )
        return found

    async def _write(self, request: AnswerRequest, *, hidden: bool) -> None:
        """Let the engine write, and show what it writes unless that is ``hidden`` for now."""
        self._hidden = hidden
        writer = asyncio.create_task(self._show())
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._generate, request, loop)
        finally:
            # Not cancelled: a client in the middle of a command may swallow that.
            self._written.set()
            self._news.set()
            await writer

    def cancel(self) -> None:
        """The reply is no longer ours: stop the engine and show nothing more."""
        self._over = True
        if self._errand is not None:
            self._errand.served.engine.cancel(self.message_id)

    def repeat(self) -> None:
        """Somebody began to watch: the next delta carries the whole text so far."""
        self._repeat = True
        self._news.set()

    async def renew(self) -> None:
        """Prolong the lease. When it is lost, stop."""
        if not self._over and not await database_sync_to_async(replies.renew)(
            self.claim, text="" if self._hidden else self.text
        ):
            self.cancel()
        await self._in_thread(self._flight.renew)

    async def release(self) -> None:
        """Give the reply back to the queue."""
        self._over = True
        await database_sync_to_async(replies.release)(self.claim)
        self.cancel()

    def _request(self, task: Errand) -> AnswerRequest:
        self._screen = errand.screen(task)
        return errand.request(task, self._logprobs.append)

    async def _in_thread(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)

    def _generate(self, request: AnswerRequest, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: let the engine write, and moderation read before anybody else."""
        assert self._errand is not None
        assert self._screen is not None
        guard = self._screen.guard
        stream: Iterator[str] = answering.answer(request, self._errand.served.engine)
        with contextlib.closing(stream):  # type: ignore[type-var]  # a generator
            for delta in stream:
                if self._over:
                    return
                if self._first_token is None:
                    self._first_token = time.monotonic()
                self.text += guard.push(delta)
                if guard.is_blocked:
                    return
                loop.call_soon_threadsafe(self._news.set)
        self.text += guard.close()

    async def _show(self) -> None:
        """Send what is new, the first words at once and then a few times a second."""
        while not self._written.is_set():
            await self._news.wait()
            self._news.clear()
            if not self._over and not self._hidden and not self._written.is_set():
                await self._send_delta()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), FLUSH_SECONDS)

    async def _send_delta(self) -> None:
        start = 0 if self._repeat else self._shown
        self._repeat = False
        text = self.text
        if len(text) == start:
            return
        delta: Delta = {
            "type": "message.delta",
            "seq": self.claim.message.seq,
            "message_id": self.message_id,
            "attempt": self.claim.attempt,
            "offset": utf16_length(text[:start]),
            "text": text[start:],
        }
        self._shown = len(text)
        layer = get_channel_layer()
        assert layer is not None
        try:
            conversation = self.claim.message.conversation
            await layer.group_send(
                conversation.group,
                {"type": "event", "conversation": str(conversation.public_id), "frame": delta},
            )
        except (RedisError, OSError) as error:
            # The whole text follows with message.sent, or on the next resume.
            logger.warning("delta not shown (%s)", type(error).__name__)

    def _settle_ready(self, task: Errand, found: Ready) -> None:
        replies.settle_sent(
            self.claim,
            text=found.text,
            source=found.source,
            provenance=Provenance(
                deployment=task.served.deployment,
                policy_version=current_policy().version,
                match=found.match,
                curated_answer=found.answer,
                timings={
                    "queue": self._queued,
                    "answer": round(time.monotonic() - self._begun, 4),
                },
            ),
        )

    @transaction.atomic
    def _settle_named(self, task: Errand) -> None:
        """The model named one of the approved answers, or nobody."""
        assert self._screen is not None
        found = ready.by_number(task.question, task.reading, self.text)
        provenance = self._provenance(task)
        if found is None:
            provenance = replace(provenance, is_unsure=True, suggestions=task.reading.similar)
        else:
            provenance = replace(provenance, match=found.match, curated_answer=found.answer)
        if found is None or (provenance.is_unsure and errand.is_offered_when_unsure(task)):
            replies.settle_offered(self.claim, provenance=replace(provenance, curated_answer=None))
        elif replies.settle_sent(
            self.claim, text=found.text, source=found.source, provenance=provenance
        ):
            self._keep(task, CachedAnswer(found.text, self.message_id, time.time()), provenance)

    @transaction.atomic
    def _settle(self, task: Errand) -> None:
        assert self._screen is not None
        guard = self._screen.guard
        text = self.text.strip()
        provenance = self._provenance(task)
        if guard.is_blocked:
            settled = replies.settle_withheld(self.claim, provenance=provenance)
        elif provenance.is_unsure and errand.is_shown_only_when_sure(task):
            settled = replies.settle_offered(self.claim, provenance=provenance)
        else:
            settled = replies.settle_sent(
                self.claim, text=text, source=Message.Source.MODEL, provenance=provenance
            )
        if not settled:
            return
        self._screen.conclude()
        if not guard.findings and ready.is_impersonal(text):
            self._keep(task, CachedAnswer(text, self.message_id, time.time()), provenance)

    def _provenance(self, task: Errand) -> Provenance:
        assert self._screen is not None
        now = time.monotonic()
        sure = errand.sureness(task, tuple(self._logprobs))
        threshold = self.claim.message.conversation.bot.confidence_threshold
        is_unsure = sure is not None and sure < threshold
        return Provenance(
            deployment=task.served.deployment,
            prompt_version=prompts.VERSION,
            policy_version=self._screen.version,
            match={**task.reading.facts, "cache_key": task.cache_key},
            confidence=sure,
            is_unsure=is_unsure,
            suggestions=task.reading.similar if is_unsure else (),
            timings={
                "queue": self._queued,
                "first_token": round((self._first_token or now) - self._begun, 4),
                "answer": round(now - self._begun, 4),
                "moderation": round(self._screen.guard.busy_seconds, 4),
                "held_p95": round(self._screen.guard.delay(), 4),
            },
        )

    def _keep(self, task: Errand, answer: CachedAnswer, provenance: Provenance) -> None:
        """For those who ask the same now; and for later ones, if enough of them ask."""
        self._flight.bring(answer)
        is_whole = len(self._logprobs) < settings.CHAT_MAX_NEW_TOKENS
        if task.cache_key and is_whole and not provenance.is_unsure:
            visitor = str(self.claim.message.conversation.visitor_id)
            self._shelves.cache.note_asked(task.cache_key, visitor)
            self._shelves.cache.admit(task.cache_key, answer)

    @transaction.atomic
    def _keep_cancelled(self) -> None:
        kept = replies.keep_cancelled_text(self.claim, text="" if self._hidden else self.text)
        if kept and self._screen is not None:
            self._screen.conclude()


def _seconds_since(moment: datetime | None) -> float:
    return round(max(0.0, (timezone.now() - moment).total_seconds()), 4) if moment else 0.0

"""One reply while it is being written: engine thread on one side, watchers on the other."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError

from chat import answering, prompts
from chat.answering import AnswerRequest
from chat.deployments import EngineShelf, Served
from chat.events import REPLY_CODES, Delta
from chat.inference.engine import ChatMessage, EngineError
from chat.models import Message
from chat.presentation import utf16_length
from chat.selectors import turns_before
from chat.services import replies
from chat.services.replies import Claim
from moderation.findings import Direction
from moderation.services.screening import ScreenedStream

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.05


class Seat:
    """Writes one claimed reply and settles it, unless it is taken away.

    ``text`` is what moderation let through: nothing else is shown or stored.
    """

    def __init__(self, claim: Claim, shelf: EngineShelf, threads: Executor) -> None:
        self.claim = claim
        self.message_id = str(claim.message.public_id)
        self.text = ""
        self._shelf = shelf
        self._threads = threads
        self._served: Served | None = None
        self._screen: ScreenedStream | None = None
        self._shown = 0
        self._repeat = False
        self._over = False
        self._news = asyncio.Event()
        self._written = asyncio.Event()
        self._first_token: float | None = None

    async def answer(self) -> None:
        """Write the reply to its end. Engine errors settle it, too."""
        begun = time.monotonic()
        try:
            request = await database_sync_to_async(self._prepare)()
            writer = asyncio.create_task(self._show())
            try:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._threads, self._generate, request, loop)
            finally:
                # Not cancelled: a client in the middle of a command may swallow that.
                self._written.set()
                self._news.set()
                await writer
        except EngineError as error:
            logger.warning("reply %s: %s (%s)", self.message_id, error, error.code)
            if not self._over:
                await database_sync_to_async(replies.settle_failed)(
                    self.claim,
                    # What an engine calls its trouble is for operators, in the log.
                    code=error.code if error.code in REPLY_CODES else "engine_error",
                    retryable=error.retryable,
                )
                return
        if self._over:
            await database_sync_to_async(self._keep_cancelled)()
            return
        await database_sync_to_async(self._settle)(begun)

    def cancel(self) -> None:
        """The reply is no longer ours: stop the engine and show nothing more."""
        self._over = True
        if self._served is not None:
            self._served.engine.cancel(self.message_id)

    def repeat(self) -> None:
        """Somebody began to watch: the next delta carries the whole text so far."""
        self._repeat = True
        self._news.set()

    async def renew(self) -> None:
        """Prolong the lease. When it is lost, stop."""
        if not self._over and not await database_sync_to_async(replies.renew)(
            self.claim, text=self.text
        ):
            self.cancel()

    async def release(self) -> None:
        """Give the reply back to the queue."""
        self._over = True
        await database_sync_to_async(replies.release)(self.claim)
        self.cancel()

    def _prepare(self) -> AnswerRequest:
        message = self.claim.message
        self._served = self._shelf.for_bot(message.conversation.bot)
        turns = turns_before(message, limit=settings.CHAT_CONTEXT_TURNS)
        conversation = message.conversation
        self._screen = ScreenedStream(
            Direction.OUTBOUND, scope=str(conversation.public_id), reference=self.message_id
        )
        return AnswerRequest(
            request_id=self.message_id,
            prompt=prompts.Prompt(
                instructions=conversation.bot.text(
                    conversation.bot.instructions, conversation.locale
                ),
                turns=tuple(_turn(each) for each in turns),
            ),
            max_new_tokens=settings.CHAT_MAX_NEW_TOKENS,
        )

    def _generate(self, request: AnswerRequest, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: let the engine write, and moderation read before anybody else."""
        assert self._served is not None
        assert self._screen is not None
        guard = self._screen.guard
        stream: Iterator[str] = answering.answer(request, self._served.engine)
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
            if not self._over and not self._written.is_set():
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
            await layer.group_send(
                self.claim.message.conversation.group, {"type": "event", "frame": delta}
            )
        except (RedisError, OSError) as error:
            # The whole text follows with message.sent, or on the next resume.
            logger.warning("delta not shown (%s)", type(error).__name__)

    @transaction.atomic
    def _settle(self, begun: float) -> None:
        assert self._served is not None
        assert self._screen is not None
        now = time.monotonic()
        guard = self._screen.guard
        facts: dict[str, Any] = {
            "deployment": self._served.deployment,
            "prompt_version": prompts.VERSION,
            "timings": {
                "first_token": round((self._first_token or now) - begun, 4),
                "answer": round(now - begun, 4),
                "moderation": round(guard.busy_seconds, 4),
                "held_p95": round(guard.delay(), 4),
            },
        }
        if guard.is_blocked:
            settled = replies.settle_withheld(self.claim, **facts)
        else:
            settled = replies.settle_sent(
                self.claim, text=self.text.strip(), source=Message.Source.MODEL, **facts
            )
        if settled:
            self._screen.conclude()

    @transaction.atomic
    def _keep_cancelled(self) -> None:
        kept = replies.keep_cancelled_text(self.claim, text=self.text)
        if kept and self._screen is not None:
            self._screen.conclude()


def _turn(message: Message) -> ChatMessage:
    customer = message.role == Message.Role.CUSTOMER
    return {"role": "user" if customer else "assistant", "content": message.text}

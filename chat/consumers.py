"""The widget's socket: watches one conversation and passes requests on.

A consumer reads its next frame only after the current handler returns, so nothing here
takes long, and it never waits for a slow browser: frames leave through a bounded outbox.
"""

import asyncio
import contextlib
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import transaction
from django.utils import translation

from chat import events, frames, limits
from chat.access import Unauthenticated, redeem_ticket
from chat.addresses import client_address
from chat.models import Conversation
from chat.outbox import Outbox
from chat.presentation import conversation_data
from chat.refusals import CAUSES, error_frame
from chat.requests import REQUESTS
from chat.services.transcript import ConversationClosed, locked
from moderation.actors import acting

BAD_FRAMES = 10
FRAMES_PER_SECOND = 20
CLOSE_SECONDS = 5
FRAME_TOO_LARGE = 1009


class ConversationConsumer(AsyncWebsocketConsumer):
    """Replies up to ``hushed_seq`` are shown as they settle and no sooner: see
    :func:`chat.services.publishing.hush`."""

    conversation: Conversation | None = None
    outbox: Outbox | None = None
    hushed_seq = 0

    async def connect(self) -> None:
        self.headers = dict(self.scope["headers"])
        self.bad_frames = 0
        self.rate = limits.FrameRate(FRAMES_PER_SECOND)
        await self.accept()
        if self.headers.get(b"origin", b"").decode("latin-1") not in settings.OWN_ORIGINS:
            await self.close(events.CLOSE_ORIGIN)
            return
        try:
            await database_sync_to_async(limits.hit)(
                "CHAT_RATE_SOCKETS_PER_ADDRESS", self._address()
            )
        except limits.RateLimited:
            await self.close(events.CLOSE_TOO_MANY)
            return
        self.outbox = Outbox(self._transmit, self._drop_slow_browser)
        self.deadline = asyncio.create_task(self._close_unless_authenticated())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.outbox is None:
            return
        if self.rate.is_exceeded():
            await self._end(events.CLOSE_TOO_MANY)
        elif len((text_data or "").encode("utf-8", "surrogatepass")) > events.FRAME_BYTES:
            await self._end(FRAME_TOO_LARGE)
        else:
            await self._handle(text_data)

    async def event(self, message: dict[str, Any]) -> None:
        """Something happened in the conversation: pass it on as it is."""
        frame = message["frame"]
        if frame["type"] == "message.delta" and frame["seq"] <= self.hushed_seq:
            return
        if self.outbox is not None:
            self.outbox.post(frame)

    async def hush(self, message: dict[str, Any]) -> None:
        """An agent is taking the conversation: what the bot was about to say is not shown."""
        self.hushed_seq = max(self.hushed_seq, message["seq"])

    async def disconnect(self, code: int) -> None:
        await self._let_go()

    async def _handle(self, text: str | None) -> None:
        assert self.outbox is not None
        try:
            if text is None:
                raise frames.FrameError("malformed", "Frames are text.")
            kind, fields = frames.parse(text)
        except frames.FrameError as error:
            self.bad_frames += 1
            self.outbox.post(error_frame(error, error.frame))
            if self.bad_frames >= BAD_FRAMES:
                await self._end(events.CLOSE_PROTOCOL)
            return
        if self.conversation is None:
            await self._authenticate(kind, fields)
        elif kind == "authenticate":
            await self._end(events.CLOSE_PROTOCOL)
        elif answer := await database_sync_to_async(self._perform)(kind, fields):
            self.outbox.post(answer)

    async def _authenticate(self, kind: str, fields: dict[str, Any]) -> None:
        if kind != "authenticate":
            await self._end(events.CLOSE_UNAUTHENTICATED)
            return
        if fields["protocol"] != events.PROTOCOL_VERSION:
            await self._end(events.CLOSE_PROTOCOL)
            return
        try:
            conversation = await database_sync_to_async(redeem_ticket)(fields["ticket"])
        except Unauthenticated:
            await self._end(events.CLOSE_UNAUTHENTICATED)
            return
        self.deadline.cancel()
        self.conversation = conversation
        await self.channel_layer.group_add(conversation.group, self.channel_name)
        try:
            data = await database_sync_to_async(self._current)()
        except ConversationClosed:
            await self._end(events.CLOSE_UNAUTHENTICATED)
            return
        if data["status"] == Conversation.Status.TAKEN:
            self.hushed_seq = max(self.hushed_seq, data["last_seq"])
        assert self.outbox is not None
        self.outbox.post(
            {
                "type": "ready",
                "protocol": events.PROTOCOL_VERSION,
                "conversation": data,
            }
        )

    @transaction.atomic
    def _current(self) -> events.ConversationData:
        """Read under the lock, after joining: an agent who has taken the conversation is seen
        here, and who takes it later is heard."""
        assert self.conversation is not None
        return conversation_data(locked(self.conversation))

    def _perform(self, kind: str, fields: dict[str, Any]) -> Any:
        """Run one request, in a thread. A refusal is an answer, too."""
        assert self.conversation is not None
        actor = self.conversation.visitor.actor
        with translation.override(self.conversation.locale), acting(actor):
            try:
                if kind == "message.send":
                    limits.hit("CHAT_RATE_MESSAGES_PER_ADDRESS", self._address())
                return REQUESTS[kind](self.conversation, fields)
            except CAUSES as error:
                return error_frame(error, {"type": kind, **fields})

    async def _transmit(self, text: str) -> None:
        await self.send(text_data=text)

    async def _close_unless_authenticated(self) -> None:
        await asyncio.sleep(events.AUTHENTICATE_SECONDS)
        await self._end(events.CLOSE_UNAUTHENTICATED)

    async def _drop_slow_browser(self) -> None:
        await self._end(events.CLOSE_TOO_SLOW)

    async def _end(self, code: int) -> None:
        """Stop listening, then say goodbye, without waiting long for it to be heard."""
        await self._let_go()
        # The browser may have gone first.
        with contextlib.suppress(TimeoutError, OSError):
            await asyncio.wait_for(self.close(code), CLOSE_SECONDS)

    async def _let_go(self) -> None:
        outbox, self.outbox = self.outbox, None
        if outbox is None:
            return
        if asyncio.current_task() is not self.deadline:
            self.deadline.cancel()
        outbox.close()
        if self.conversation is not None:
            await self.channel_layer.group_discard(self.conversation.group, self.channel_name)

    def _address(self) -> str:
        return client_address(
            (self.scope.get("client") or ("", 0))[0],
            self.headers.get(b"x-forwarded-for", b"").decode("latin-1"),
            trusted_proxies=settings.TRUSTED_PROXIES,
        )

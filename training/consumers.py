"""The socket of a run's page: staff watch one training run."""

import contextlib
import time
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from chat.outbox import Outbox
from training import access, events, selectors
from training.models import TrainingRun

TRUST_SECONDS = 10.0
"""Whoever logs out, or loses the right, hears nothing more after so long."""
STATE_SECONDS = 2.0
"""A page is told the whole state at most so often."""


class RunConsumer(AsyncWebsocketConsumer):
    run: TrainingRun | None = None
    outbox: Outbox | None = None

    async def connect(self) -> None:
        await self.accept()
        origin = dict(self.scope["headers"]).get(b"origin", b"").decode("latin-1")
        if origin not in settings.OWN_ORIGINS:
            await self.close(events.CLOSE_FORBIDDEN)
            return
        self.session = self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")
        public_id = self.scope["url_route"]["kwargs"]["public_id"]
        try:
            run = await database_sync_to_async(access.access_run)(self.session, public_id)
        except access.Forbidden:
            await self.close(events.CLOSE_FORBIDDEN)
        except access.NoSuchRun:
            await self.close(events.CLOSE_GONE)
        else:
            await self._watch(run)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Whatever a page says, it asks for the state: it believes that it missed something."""
        if time.monotonic() - self.told_at > STATE_SECONDS and await self._is_trusted():
            await self._tell_state()

    async def event(self, message: dict[str, Any]) -> None:
        """Something happened in the run: pass it on as it is."""
        if await self._is_trusted() and self.outbox is not None:
            self.outbox.post(message["frame"])

    async def disconnect(self, code: int) -> None:
        outbox, self.outbox = self.outbox, None
        if outbox is not None and self.run is not None:
            outbox.close()
            await self.channel_layer.group_discard(self.run.group, self.channel_name)

    async def _watch(self, run: TrainingRun) -> None:
        self.run = run
        self.trusted_at = time.monotonic()
        self.outbox = Outbox(self._transmit, self._drop_slow_browser)
        # First the group, then the state: what happens in between comes twice, never not at all.
        await self.channel_layer.group_add(run.group, self.channel_name)
        await self._tell_state()

    async def _tell_state(self) -> None:
        self.told_at = time.monotonic()
        assert self.run is not None
        state = await database_sync_to_async(selectors.run_state)(self.run.pk)
        if self.outbox is not None:
            self.outbox.post(state)

    async def _is_trusted(self) -> bool:
        """Whether the page may still hear of the run; if not, this was the last of it."""
        if self.outbox is None:
            return False
        if time.monotonic() - self.trusted_at < TRUST_SECONDS:
            return True
        try:
            await database_sync_to_async(access.check_may_watch)(self.session)
        except access.Forbidden:
            await self._end(events.CLOSE_FORBIDDEN)
            return False
        self.trusted_at = time.monotonic()
        return True

    async def _transmit(self, text: str) -> None:
        await self.send(text_data=text)

    async def _drop_slow_browser(self) -> None:
        await self._end(events.CLOSE_TOO_SLOW)

    async def _end(self, code: int) -> None:
        await self.disconnect(code)
        # The browser may have gone first.
        with contextlib.suppress(TimeoutError, OSError):
            await self.close(code)

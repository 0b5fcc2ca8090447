"""Frames on their way to one browser, bounded: a browser that does not read is let go."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

FRAMES = 256
SEND_SECONDS = 15


class Outbox:
    """Sends frames in order from a task of its own, so that nobody waits for the browser.

    ``send`` transmits one text frame and blocks while the connection is congested.
    ``stuck`` is called once, when too many frames wait or one takes too long.
    """

    def __init__(
        self, send: Callable[[str], Awaitable[None]], stuck: Callable[[], Awaitable[None]]
    ) -> None:
        self._send = send
        self._stuck = stuck
        self._frames: asyncio.Queue[Any] = asyncio.Queue(FRAMES)
        self._overflowed = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def post(self, frame: Any) -> None:
        """Queue one frame; returns at once."""
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self._overflowed.set()
            self._task.cancel()

    def close(self) -> None:
        """Drop what waits. May be called from within ``stuck``."""
        if asyncio.current_task() is not self._task:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                frame = await self._frames.get()
                await asyncio.wait_for(self._send(json.dumps(frame)), SEND_SECONDS)
        except TimeoutError:
            await self._stuck()
        except OSError:
            # The browser left in this instant; the consumer is about to hear of it.
            return
        except asyncio.CancelledError:
            if self._overflowed.is_set():
                await self._stuck()

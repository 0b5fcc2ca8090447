"""The loop that answers: claims waiting replies while seats are free, and streams them.

The table is the queue; the channel layer is only the doorbell. A lost call costs one sweep,
a lost runner costs one lease. Any number of runners may run, on any machines.
"""

import asyncio
import contextlib
import logging
import socket
import time
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

from chat.drafting import Draft
from chat.errand import Shelves
from chat.seat import Seat
from chat.services import replies, shadow_answers, suggestions
from chat.services.publishing import RUNNERS_GROUP
from chat.shadow_seat import ShadowSeat
from chat.swapping import Swapper

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
FINISH_SECONDS = 5.0


class Runner:
    """Runs until :meth:`stop`; then gives back what it could not finish in time.

    With ``is_swapping`` it follows the deployments; a test may want what it opened and no more.
    """

    def __init__(self, shelves: Shelves, *, seats: int, is_swapping: bool = True) -> None:
        self.owner = f"{socket.gethostname()[:40]}.{uuid.uuid4().hex[:8]}"
        self.shelves = shelves
        self.swapper = Swapper(shelves, self.owner)
        self._is_swapping = is_swapping
        self.free = seats
        # The event loop's own pool has fewer threads than a runner may have seats.
        self._threads = ThreadPoolExecutor(seats, thread_name_prefix="seat")
        self.seats: dict[str, Seat] = {}
        self.drafts: set[Draft] = set()
        # Beside the seats, so that none is ever taken: a shadow answer has a thread of its own.
        self._shadow_thread = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self.shadow: ShadowSeat | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Answer until stopped. Errors of one reply never end the loop."""
        background = [asyncio.create_task(self._listen()), asyncio.create_task(self._tick())]
        if self._is_swapping:
            background.append(asyncio.create_task(self.swapper.run()))
        logger.info("runner ready: %s, %d seats", self.owner, self.free)
        try:
            while not self._stopping.is_set():
                self._wake.clear()
                await self._claim()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), settings.CHAT_SWEEP_SECONDS)
        finally:
            for task in background:
                task.cancel()
            await asyncio.wait(background, timeout=TICK_SECONDS)
            await self._finish()
            await self.swapper.leave()

    def stop(self) -> None:
        """Claim no more; :meth:`run` returns after a short while."""
        self._stopping.set()
        self._wake.set()

    async def _claim(self) -> None:
        if not self.free:
            await self._make_room()
            return
        claims = await database_sync_to_async(replies.claim)(
            owner=self.owner, limit=self.free, without_bots=frozenset(self.swapper.draining)
        )
        if claims:
            self._give_shadow_way()
        for claim in claims:
            self.free -= 1
            seat = Seat(claim, self.shelves, self._threads)
            self.seats[seat.message_id] = seat
            self._spawn(self._answer(seat))
        if self.free:
            await self._claim_suggestion()
        if not self.seats and not self.drafts:
            await self._claim_shadow()

    async def _claim_suggestion(self) -> None:
        """No customer waits: write what an agent asked for, one at a time."""
        if self.drafts:
            return
        suggestion = await database_sync_to_async(suggestions.claim)(
            owner=self.owner, without_bots=frozenset(self.swapper.draining)
        )
        if suggestion is not None:
            self._give_shadow_way()
            self.free -= 1
            draft = Draft(suggestion, self.shelves, self._threads)
            self.drafts.add(draft)
            self._spawn(self._draft(draft))

    async def _claim_shadow(self) -> None:
        """Nobody waits and nothing is written: let a candidate answer unseen, one at a time."""
        candidates = self.shelves.engines.beside()
        if self.shadow is not None or not candidates:
            return
        answer = await database_sync_to_async(shadow_answers.claim)(
            owner=self.owner, candidates=candidates
        )
        if answer is not None:
            self.shadow = ShadowSeat(answer, self.shelves, self._shadow_thread)
            self._spawn(self._answer_unseen(self.shadow))

    async def _answer_unseen(self, shadow: ShadowSeat) -> None:
        try:
            await shadow.write()
        except Exception:
            # As with replies: the loop goes on, and the lease ends by itself.
            logger.exception("shadow answer %s", shadow.answer.public_id)
        finally:
            self.shadow = None
            self._wake.set()

    def _give_shadow_way(self) -> None:
        """The machine belongs to those who wait."""
        if self.shadow is not None:
            self.shadow.give_way()

    async def _draft(self, draft: Draft) -> None:
        try:
            await draft.write()
        except Exception:
            # As with replies: the others go on, and the lease ends by itself.
            logger.exception("suggestion %s", draft.suggestion.public_id)
        finally:
            self.drafts.discard(draft)
            self.free += 1
            self._wake.set()

    async def _make_room(self) -> None:
        """A suggestion never keeps a customer waiting."""
        if self.drafts and await database_sync_to_async(replies.is_any_waiting)():
            for draft in self.drafts:
                draft.give_way()

    async def _answer(self, seat: Seat) -> None:
        try:
            await seat.answer()
        except Exception:
            # The edge of one reply: whatever went wrong, the others go on, and the lease
            # of this one ends by itself.
            logger.exception("reply %s", seat.message_id)
        finally:
            del self.seats[seat.message_id]
            self.free += 1
            self._wake.set()

    async def _tick(self) -> None:
        """Keep leases alive and look for those of lost runners."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for seat in list(self.seats.values()):
                await seat.renew()
            await database_sync_to_async(replies.recover_expired)()

    async def _listen(self) -> None:
        """Hear the doorbell, for as long as it takes."""
        layer = get_channel_layer()
        assert layer is not None
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(RUNNERS_GROUP, channel)
                while True:
                    self._hear(await layer.receive(channel))
            except (RedisError, OSError) as error:
                logger.warning("doorbell unreachable (%s)", type(error).__name__)
                await asyncio.sleep(settings.CHAT_SWEEP_SECONDS)

    def _hear(self, call: dict[str, Any]) -> None:
        seat = self.seats.get(call.get("message_id", ""))
        match call["type"]:
            case "runner.wake":
                self._wake.set()
            case "runner.deployment":
                self.swapper.ring(call["bot"])
            case "runner.knowledge":
                for each in (self.shelves.libraries, *self.shelves.engines.searches()):
                    each.renew(call["bot"])
            case "runner.cancelled" if seat:
                seat.cancel()
            case "runner.repeat" if seat:
                seat.repeat()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self) -> None:
        """Give what is running a moment, then return the rest to the queue."""
        self._give_shadow_way()
        deadline = time.monotonic() + FINISH_SECONDS
        while self._tasks and time.monotonic() < deadline:
            await asyncio.wait(self._tasks, timeout=deadline - time.monotonic())
        for seat in list(self.seats.values()):
            await seat.release()
        for draft in self.drafts:
            draft.give_way()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_SECONDS)

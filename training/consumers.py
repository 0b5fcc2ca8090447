"""The socket of a run's page: staff watch one training run."""

import time
from typing import Any

from channels.db import database_sync_to_async

from chat.staff_socket import CLOSE_GONE, StaffConsumer
from training import access, selectors
from training.models import TrainingRun

STATE_SECONDS = 2.0
"""A page is told the whole state at most so often."""


class RunConsumer(StaffConsumer):
    permission = "training.view_trainingrun"

    async def begin(self) -> None:
        run = await self._run()
        if run is None:
            await self.end(CLOSE_GONE)
            return
        self.run_pk = run.pk
        # First the group, then the state: what happens in between comes twice, never not at all.
        await self.join(run.group)
        await self._tell_state()

    async def hear(self, text: str) -> None:
        """Whatever a page says, it asks for the state: it believes that it missed something."""
        if time.monotonic() - self.told_at > STATE_SECONDS:
            await self._tell_state()

    async def confirmed(self) -> None:
        """Grants change, too."""
        if await self._run() is None:
            await self.end(CLOSE_GONE)

    async def event(self, message: dict[str, Any]) -> None:
        """Something happened in the run: pass it on as it is."""
        self.post(message["frame"])

    async def _tell_state(self) -> None:
        self.told_at = time.monotonic()
        self.post(await database_sync_to_async(selectors.run_state)(self.run_pk))

    async def _run(self) -> TrainingRun | None:
        public_id = self.scope["url_route"]["kwargs"]["public_id"]
        try:
            found: TrainingRun = await database_sync_to_async(access.access_run)(
                self.user, public_id
            )
        except access.NoSuchRun:
            return None
        return found

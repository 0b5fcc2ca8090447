"""Answer customers until stopped."""

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.deployments import EngineShelf
from chat.errand import Shelves
from chat.inference.engine import EngineError
from chat.knowledge.embedding import EmbeddingError
from chat.runner import Runner
from chat.swapping import open_deployed


class Command(BaseCommand):
    help = "Claim waiting replies and answer them with the deployed models, until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        shelves = Shelves(EngineShelf())
        try:
            open_deployed(shelves)
            shelves.warm_up()
        except (EngineError, EmbeddingError) as error:
            raise CommandError(str(error)) from error
        try:
            asyncio.run(self._run(shelves))
        finally:
            shelves.engines.close()

    async def _run(self, shelves: Shelves) -> None:
        runner = Runner(shelves, seats=settings.CHAT_SEATS)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, runner.stop)
        await runner.run()

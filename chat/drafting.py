"""A suggestion for an agent while it is being written: the way of a reply, seen by no customer."""

import logging
from concurrent.futures import Executor

from channels.db import database_sync_to_async

from chat import errand, prompts, ready
from chat.aside import Aside
from chat.errand import Errand, Shelves
from chat.inference.engine import EngineError
from chat.models import Message, Suggestion
from chat.services import suggestions
from chat.services.replies import Claim
from chat.services.suggestions import Drafted

logger = logging.getLogger(__name__)


class Draft:
    """Settles one claimed suggestion, unless it has to give way to a customer."""

    def __init__(self, suggestion: Suggestion, shelves: Shelves, threads: Executor) -> None:
        self.suggestion = suggestion
        claim = Claim(suggestions.as_reply(suggestion), suggestion.lease_owner, 0)
        self._aside = Aside(claim, shelves, threads)

    async def write(self) -> None:
        """Settle the suggestion. Whatever goes wrong, the agent hears that there is none."""
        drafted: Drafted | None = None
        try:
            drafted = await self._drafted()
        except EngineError as error:
            logger.warning("suggestion %s: %s (%s)", self.suggestion.public_id, error, error.code)
        finally:
            await self._aside.give_back()
        if self._aside.gives_way:
            await database_sync_to_async(suggestions.release)(self.suggestion)
        else:
            await database_sync_to_async(suggestions.settle)(self.suggestion, drafted)

    def give_way(self) -> None:
        """A customer waits: stop, and begin anew when nobody does."""
        self._aside.give_way()

    async def _drafted(self) -> Drafted | None:
        aside = self._aside
        task = await database_sync_to_async(errand.prepare)(aside.claim, aside.shelves)
        aside.served = task.served
        found = await aside.find(task)
        if found is not None:
            return Drafted(found.text, found.source, task.served.deployment, found.answer)
        screen, request = await database_sync_to_async(aside.request)(task)
        if prompts.names_answers(task.served.style) and not task.reading.near:
            return None
        text = await aside.generate(task, request, screen)
        if aside.gives_way or screen.guard.is_blocked or not text:
            return None
        await database_sync_to_async(screen.conclude)()
        drafted: Drafted | None = await database_sync_to_async(self._concluded)(task, text)
        return drafted

    def _concluded(self, task: Errand, text: str) -> Drafted | None:
        sure = self._aside.sureness(task)
        source: str = Message.Source.MODEL
        answer = None
        if prompts.names_answers(task.served.style):
            named = ready.by_number(task.question, task.reading, text)
            if named is None:
                return None
            text, source, answer = named.text, named.source, named.answer
        return Drafted(text, source, task.served.deployment, answer, sure)

"""One shadow answer while it is being written: the way of a reply, seen by no customer."""

import logging
import time
from concurrent.futures import Executor
from dataclasses import dataclass

from channels.db import database_sync_to_async
from django.db import transaction

from chat import errand, prompts, ready
from chat.aside import Aside
from chat.errand import Errand, Shelves
from chat.inference.engine import EngineError
from chat.knowledge import sameness
from chat.knowledge.embedding import EmbeddingError
from chat.knowledge.sameness import Comparison, Said
from chat.libraries import Library
from chat.models import CuratedAnswer, Message, ShadowAnswer
from chat.services import shadow_answers
from chat.services.replies import Claim
from chat.services.shadow_answers import Answered
from moderation.services.screening import ScreenedStream

logger = logging.getLogger(__name__)

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
        claim = Claim(shadow_answers.as_reply(answer), answer.lease_owner, answer.attempts)
        self._aside = Aside(claim, shelves, thread)
        self._screen: ScreenedStream | None = None

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
            await self._aside.give_back()
        if self._aside.gives_way:
            await database_sync_to_async(shadow_answers.release)(self.answer)
        elif said is None:
            await database_sync_to_async(shadow_answers.fail)(self.answer, code)
        else:
            await database_sync_to_async(self._settle)(said)

    def give_way(self) -> None:
        """Somebody waits: stop, and begin anew when nobody does."""
        self._aside.give_way()

    @transaction.atomic
    def _settle(self, said: Answered) -> None:
        """Of a conversation that was erased meanwhile nothing is kept, no original either."""
        if shadow_answers.settle(self.answer, said) and self._screen is not None:
            self._screen.conclude()

    async def _said(self) -> Answered | None:
        aside = self._aside
        aside.served = aside.shelves.engines.take_beside(self.answer.shadow.candidate_id)
        if aside.served is None:
            # The shadow has ended, or this runner lost the engine: another one may have it.
            aside.gives_way = True
            return None
        task = await database_sync_to_async(errand.prepare_beside)(
            aside.claim, aside.shelves, aside.served
        )
        begun = time.monotonic()
        words = await self._words(task)
        latency = time.monotonic() - begun
        if words is None:
            return None
        library = await database_sync_to_async(self._library)(task)
        comparison = await aside.in_thread(self._compare, library, words)
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
        aside = self._aside
        found = await aside.find(task)
        if found is not None:
            return _Words(found.text, found.source, answer=found.answer)
        screen, request = await database_sync_to_async(aside.request)(task)
        self._screen = screen
        text = ""
        if errand.is_worth_trying(task) and not aside.gives_way:
            text = await aside.generate(task, request, screen)
        if aside.gives_way:
            return None
        if screen.guard.is_blocked:
            return _Words("", Message.Source.NOTICE, "withheld")
        words: _Words = await database_sync_to_async(self._concluded)(task, text)
        return words

    def _concluded(self, task: Errand, text: str) -> _Words:
        sure = self._aside.sureness(task)
        threshold = self.answer.message.conversation.bot.confidence_threshold
        is_unsure = sure is not None and sure < threshold
        answer = None
        if prompts.names_answers(task.served.style):
            named = ready.by_number(task.question, task.reading, text)
            is_shown = named is not None and not (is_unsure and errand.is_offered_when_unsure(task))
            text, answer = (named.text, named.answer) if named else ("", None)
        else:
            is_shown = bool(text) and not (is_unsure and errand.is_shown_only_when_sure(task))
        if not is_shown:
            return _Words("", Message.Source.NOTICE, "unsure", confidence=sure)
        return _Words(text, Message.Source.MODEL, answer=answer, confidence=sure)

    def _library(self, task: Errand) -> Library | None:
        """How near two answers have to be to say the same, by the search of the installation:
        whatever either model finds with."""
        if task.library is None:
            return None
        bot = self.answer.message.conversation.bot
        try:
            return self._aside.shelves.libraries.library(bot, task.question.locale)
        except EmbeddingError as error:
            logger.warning("shadow answer %s not compared: %s", self.answer.public_id, error)
            return None

    def _compare(self, library: Library | None, words: _Words) -> Comparison:
        """In a thread: with what the customer was told."""
        live = self.answer.message
        told = Said(
            "" if live.source == Message.Source.NOTICE else live.text, live.curated_answer_id
        )
        said = Said(words.text, words.answer.pk if words.answer else None)
        found = sameness.at_a_glance(told, said)
        if found is not None:
            return found
        if library is None:
            return Comparison(None, NOT_COMPARED)
        try:
            one, other = self._aside.shelves.libraries.embedder.embed([told.text, said.text])
        except EmbeddingError as error:
            logger.warning("shadow answer %s not compared: %s", self.answer.public_id, error)
            return Comparison(None, NOT_COMPARED)
        return sameness.compare(
            told, said, round(float(one @ other), 4), library.thresholds.direct, library.names
        )

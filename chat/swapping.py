"""Keeps a runner on what is deployed, without a customer noticing.

The database says which deployment serves; a call and a look each second tell when that changed.
The new engine is opened in a thread while the old one answers, warmed up and asked the trial
question. Then the pointer of this process changes: answers that are being written end with the
engine they began with, which is closed behind the last of them. Where memory has no room for
two, the bot's questions wait until its running answers have ended, and the old engine
goes first. A runner that cannot load what is wanted keeps what it has, says why, and tries again.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction

from chat import self_testing
from chat.deployments import Served, spec_of
from chat.errand import Shelves
from chat.inference.artifacts import ArtifactError, read_manifest
from chat.inference.engine import EngineError
from chat.knowledge.embedding import EmbeddingError
from chat.memory import free_memory
from chat.models import Deployment, RunnerReport, Shadow, Split
from chat.selectors import active_deployments, deployments_before, open_shadows, open_splits
from chat.services import reporting, splitting
from chat.services.reporting import HEARTBEAT_SECONDS, Runner, State
from moderation.services import audit

logger = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_SECONDS = 1.0
RETRY_SECONDS = 15.0
MAX_RETRY_SECONDS = 300.0
DRAIN_LOOK_SECONDS = 0.02
EARLIER_TRIED = 3
MEMORY_FACTOR = 1.5
"""Of the bytes of its files, what an engine takes: weights, work space and remembered prompts."""
MEMORY_RESERVE = 128 * 1024**2


class NothingToServe(EngineError):
    """Not one of the deployments can be loaded on this machine."""


@dataclass(slots=True)
class _Failure:
    """Why a deployment was not loaded, and when it is tried again (``time.monotonic``)."""

    deployment: int
    error: str
    again_at: float
    pause: float = RETRY_SECONDS


def prepare(shelves: Shelves, deployment: Deployment) -> Served:
    """Open, warm up, try out and read what its bot knows; nobody is served with it yet.

    Raises :class:`EngineError`.
    """
    served = shelves.engines.open(deployment)
    try:
        self_testing.warm_up(served)
        self_testing.self_test(served)
        _read(shelves, served)
    except (EmbeddingError, DatabaseError) as error:
        shelves.engines.discard(served)
        raise EngineError(str(error), code="no_model") from error
    except BaseException:
        shelves.engines.discard(served)
        raise
    return served


def _read(shelves: Shelves, served: Served) -> None:
    """No customer waits for it. A model without the search that it brings is not what was measured;
    without that of the installation it is worse, and still better than none."""
    if served.search is not None:
        served.search.open(served.deployment.bot)
        return
    try:
        shelves.libraries.open(served.deployment.bot)
    except (EmbeddingError, DatabaseError) as error:
        logger.warning("no knowledge for bot %d: %s", served.deployment.bot_id, error)


def open_deployed(shelves: Shelves) -> None:
    """Serve every bot with what is deployed, before the first customer.

    Where that cannot be loaded, with what served before it. Raises :class:`NothingToServe` if
    there are bots and none can be served.
    """
    errors = [
        error
        for deployment in active_deployments()
        if (error := _open_best(shelves, deployment)) is not None
    ]
    if errors and not shelves.engines.bots():
        raise NothingToServe(str(errors[0]), code="no_model") from errors[0]


def _open_best(shelves: Shelves, deployment: Deployment) -> Exception | None:
    """The deployment, else the newest before it that can be loaded; else why not."""
    first: Exception | None = None
    for each in [deployment, *deployments_before(deployment)[:EARLIER_TRIED]]:
        try:
            shelves.engines.switch(prepare(shelves, each))
        except (EngineError, MemoryError, OSError) as error:
            # One line is enough: the error says which file.
            logger.error("bot %d: %s is not loaded: %s", each.bot_id, each, error)  # noqa: TRY400
            first = first or error
        else:
            return None
    return first


class Swapper:
    """Swaps the engines of one runner. ``draining`` are bots whose questions have to wait."""

    def __init__(self, shelves: Shelves, name: str) -> None:
        self.draining: set[int] = set()
        self.runner = Runner(name, socket.gethostname()[:80], os.getpid())
        self._shelves = shelves
        self._shelf = shelves.engines
        # Beside the seats' threads: loading takes seconds, and answers need theirs.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="swap")
        self._wake = asyncio.Event()
        self._failures: dict[int, _Failure] = {}
        # By deployment: when a challenger or candidate that could not be loaded is tried again.
        self._trouble: dict[int, float] = {}
        self._took: dict[int, float] = {}
        self._heard: dict[int, float] = {}
        self._reported = 0.0

    def ring(self, bot: int | None = None) -> None:
        """Something else may be deployed now: look at once."""
        if bot is not None:
            self._heard.setdefault(bot, time.monotonic())
        self._wake.set()

    async def run(self) -> None:
        """Look, swap and report until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._look()
            except DatabaseError as error:
                # What is served goes on; the next look is a second away.
                logger.warning("deployments not read (%s)", type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)

    async def leave(self) -> None:
        """The runner stops: whoever looks at the fleet does not have to wonder."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(DatabaseError):
            await database_sync_to_async(reporting.leave)(self.runner)

    async def _look(self) -> None:
        wanted = await database_sync_to_async(list)(active_deployments())
        for bot in set(self._shelf.bots()) - {each.bot_id for each in wanted}:
            self._failures.pop(bot, None)
            await self._in_thread(self._shelf.drop, bot)
        beside = await database_sync_to_async(_beside)()
        # First what nobody wants: its memory may be needed for what serves.
        for pk in set(self._shelf.beside()) - {_stands_by(each).pk for each in beside}:
            await self._in_thread(self._shelf.drop_beside, pk)
        for deployment in wanted:
            if self._is_due(deployment):
                await self._swap(deployment)
        await self._stand_by(beside)
        if time.monotonic() - self._reported >= HEARTBEAT_SECONDS:
            await self._report(wanted)

    async def _stand_by(self, beside: list[Split | Shadow]) -> None:
        """Challengers and candidates stand beside what serves; never instead of it, and never at
        its cost."""
        opened = set(self._shelf.beside())
        self._trouble = {(pk := _stands_by(each).pk): self._trouble.get(pk, 0.0) for each in beside}
        for each in beside:
            deployment = _stands_by(each)
            if deployment.pk in opened or time.monotonic() < self._trouble[deployment.pk]:
                continue
            try:
                await self._in_thread(self._stand_beside, deployment)
                error = ""
            except (EngineError, MemoryError, OSError) as failure:
                error = str(failure) or type(failure).__name__
                self._trouble[deployment.pk] = time.monotonic() + RETRY_SECONDS
                logger.error("bot %d: %s is not loaded: %s", each.bot_id, each, error)  # noqa: TRY400
            await database_sync_to_async(splitting.note_trouble)(each, error)

    def _stand_beside(self, deployment: Deployment) -> None:
        if not fits_beside(deployment):
            raise EngineError("no memory for two models", code="no_model")
        self._shelf.add_beside(self._prepared(deployment))

    def _is_due(self, deployment: Deployment) -> bool:
        served = self._shelf.serving(deployment.bot_id)
        failure = self._failures.get(deployment.bot_id)
        if served is not None and served.deployment.pk == deployment.pk:
            if failure is not None:
                # Somebody went back to what is served here anyway.
                del self._failures[deployment.bot_id]
                self._reported = 0.0
            return False
        return (
            failure is None
            or failure.deployment != deployment.pk
            or time.monotonic() >= failure.again_at
        )

    async def _swap(self, deployment: Deployment) -> None:
        began = self._heard.pop(deployment.bot_id, time.monotonic())
        await self._report([deployment], RunnerReport.State.LOADING)
        try:
            before = self._shelf.serving(deployment.bot_id)
            if before is None or await self._in_thread(fits_beside, deployment):
                await self._in_thread(self._bring_in, deployment)
            else:
                await self._replace(before, deployment)
        except (EngineError, MemoryError, OSError) as error:
            await self._fail(deployment, error)
            return
        self._failures.pop(deployment.bot_id, None)
        self._took[deployment.bot_id] = round(time.monotonic() - began, 3)
        logger.info("bot %d is served with %s", deployment.bot_id, deployment)
        await self._report([deployment])

    def _bring_in(self, deployment: Deployment) -> None:
        self._shelf.switch(self._prepared(deployment))

    def _prepared(self, deployment: Deployment) -> Served:
        """In a thread of its own, with a connection of its own: a search reads what is known."""
        try:
            return prepare(self._shelves, deployment)
        finally:
            connection.close()

    async def _replace(self, before: Served, deployment: Deployment) -> None:
        """Open it when the old engine is gone; bring that one back if it does not work."""
        self.draining.add(deployment.bot_id)
        try:
            await self._report([deployment], RunnerReport.State.DRAINING)
            # Answers end in threads, which set no event of this loop.
            while not self._shelf.is_idle(before):  # noqa: ASYNC110
                await asyncio.sleep(DRAIN_LOOK_SECONDS)
            await self._in_thread(self._shelf.drop, deployment.bot_id)
            try:
                await self._in_thread(self._bring_in, deployment)
            except (EngineError, MemoryError, OSError):
                await self._in_thread(self._bring_in, before.deployment)
                raise
        finally:
            self.draining.discard(deployment.bot_id)

    async def _fail(self, deployment: Deployment, error: Exception) -> None:
        known = self._failures.get(deployment.bot_id)
        is_new = known is None or known.deployment != deployment.pk
        pause = (
            RETRY_SECONDS if known is None or is_new else min(2 * known.pause, MAX_RETRY_SECONDS)
        )
        self._failures[deployment.bot_id] = _Failure(
            deployment.pk, str(error) or type(error).__name__, time.monotonic() + pause, pause
        )
        logger.error("bot %d: %s is not loaded: %s", deployment.bot_id, deployment, error)
        if is_new:
            await database_sync_to_async(self._note_refusal)(deployment, error)
        await self._report([deployment])

    @transaction.atomic
    def _note_refusal(self, deployment: Deployment, error: Exception) -> None:
        code = error.code if isinstance(error, EngineError) else type(error).__name__
        audit.record(
            "deployment.refused",
            target=f"deployment:{deployment.pk}",
            bot=deployment.bot.slug,
            facts={"version": deployment.version, "runner": self.runner.name, "code": code},
        )

    async def _report(self, wanted: list[Deployment], doing: str = "") -> None:
        if not doing:
            self._reported = time.monotonic()
        states = [self._state(each, doing) for each in wanted]
        try:
            await database_sync_to_async(reporting.report)(self.runner, states)
        except DatabaseError as error:
            logger.warning("state not reported (%s)", type(error).__name__)

    def _state(self, wanted: Deployment, doing: str) -> State:
        served = self._shelf.serving(wanted.bot_id)
        failure = self._failures.get(wanted.bot_id)
        state = doing
        if not state:
            is_there = served is not None and served.deployment.pk == wanted.pk
            state = RunnerReport.State.SERVING if is_there else RunnerReport.State.LOADING
            if failure is not None and not is_there:
                state = RunnerReport.State.FAILED
        return State(
            bot=wanted.bot_id,
            state=state,
            serving=served.deployment.pk if served else None,
            wanted=wanted.pk,
            error=failure.error if failure else "",
            took=self._took.get(wanted.bot_id),
        )

    async def _in_thread(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)


def _beside() -> list[Split | Shadow]:
    """What has to stand beside what serves. Challengers, whom customers meet, come first."""
    return [*open_splits(), *open_shadows()]


def _stands_by(beside: Split | Shadow) -> Deployment:
    return beside.challenger if isinstance(beside, Split) else beside.candidate


def fits_beside(deployment: Deployment) -> bool:
    """Whether memory has room for this engine while the one before it still answers.

    ``CHAT_SWAP`` says it outright, or leaves it to the size of the model's files and what is free.
    Memory of a GPU is not measured. An artifact that cannot be read is not loaded anyway.
    """
    if settings.CHAT_SWAP != "auto":
        return bool(settings.CHAT_SWAP == "beside")
    spec = spec_of(deployment)
    if spec.artifact is None or spec.engine in ("echo", "openai"):
        return True
    try:
        size = sum(each.size for each in read_manifest(spec.artifact).files)
    except ArtifactError:
        return True
    return MEMORY_FACTOR * size + MEMORY_RESERVE <= free_memory()

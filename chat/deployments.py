"""Which engine answers for which bot: deployments from the database, engines kept open."""

import functools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

from chat import prompts
from chat.inference.artifacts import ArtifactError, read_manifest, search_of
from chat.inference.engine import Engine, EngineError
from chat.inference.opening import EngineSpec, open_engine
from chat.knowledge.e5_embedder import E5Embedder
from chat.knowledge.embedding import EmbeddingError
from chat.libraries import LibraryShelf
from chat.models import Bot, Deployment, Visitor
from chat.prompts import Style
from chat.selectors import active_deployments, deployment_of

_WITHOUT_ARTIFACT = ("openai", "echo")
"""Engines that load nothing, so nobody has checked what lies where an artifact is named."""


@dataclass(frozen=True, slots=True)
class Served:
    """An open engine, and the deployment on whose behalf it answers. ``search`` finds what the
    model reads, where it brings an embedder of its own; None for that of the installation."""

    deployment: Deployment
    engine: Engine
    style: Style = "words"
    spec: EngineSpec = field(default_factory=EngineSpec)
    search: LibraryShelf | None = None


def spec_of(deployment: Deployment) -> EngineSpec:
    """How to open the engine of a deployment on this machine, from the settings."""
    engine = settings.CHAT_ENGINE if deployment.engine == "auto" else deployment.engine
    return EngineSpec(
        engine=engine,
        device=settings.CHAT_DEVICE,
        artifact=settings.MODELS_DIR / "serving" / deployment.artifact
        if deployment.artifact
        else None,
        manifest_sha256=deployment.manifest_sha256,
        threads=settings.CHAT_THREADS,
        seats=settings.CHAT_SEATS,
        context_length=settings.CHAT_CONTEXT_TOKENS,
        openai_url=settings.CHAT_OPENAI_URL,
        openai_model=settings.CHAT_OPENAI_MODEL,
        openai_api_key=settings.CHAT_OPENAI_API_KEY,
        echo_delay=settings.CHAT_ECHO_DELAY_SECONDS,
    )


@functools.cache
def style_of(spec: EngineSpec) -> Style:
    """What the model of an artifact writes; artifacts never change. Words without one."""
    if spec.artifact is None or spec.engine in _WITHOUT_ARTIFACT:
        return "words"
    return prompts.style_named(read_manifest(spec.artifact).facts.style)


class EngineShelf:
    """The open engines of this process, and which of them answers for which bot.

    An engine is opened once, however many bots share it, and closed when no bot is served with it
    any more and the last answer that began with it has ended. Safe to use from threads; nothing
    that answers waits while an engine is opened.
    """

    def __init__(self, opener: Callable[[EngineSpec], Engine] = open_engine) -> None:
        self._open = opener
        self._engines: dict[EngineSpec, Engine] = {}
        self._searches: dict[EngineSpec, LibraryShelf] = {}
        # By bot: what answers its customers.
        self._serving: dict[int, Served] = {}
        # Challengers, which answer their own visitors, and candidates that answer unseen; by
        # the id of their deployment.
        self._beside: dict[int, Served] = {}
        # Why an engine stays open although no bot is served with it: answers, and new ones.
        self._held: Counter[EngineSpec] = Counter()
        self._lock = threading.Lock()
        self._opening = threading.Lock()

    def for_bot(self, bot: Bot) -> Served:
        """The engine of the bot's deployment as the database names it now, opened if need be.

        Raises :class:`EngineError`.
        """
        deployment = active_deployments().filter(bot=bot).first()
        if deployment is None:
            raise EngineError(f"bot {bot.pk} has no deployment", code="no_model", retryable=False)
        served = self.serving(bot.pk)
        if served is None or served.deployment.pk != deployment.pk:
            served = self.open(deployment)
            self.switch(served)
        return served

    def take(self, bot: Bot, visitor: Visitor | None = None) -> Served:
        """What answers for the bot now, to be kept open until :meth:`give_back`.

        For a visitor of a challenger that is open here, the challenger. A bot that was never
        served here is opened first. Raises :class:`EngineError`.
        """
        if self._beside and visitor is not None:
            # Asked each time: of a split that has ended, nobody gets another answer.
            deployment = deployment_of(visitor)
            with self._lock:
                served = self._beside.get(deployment.pk) if deployment else None
                if served is not None:
                    self._held[served.spec] += 1
                    return served
        while True:
            with self._lock:
                if (served := self._serving.get(bot.pk)) is not None:
                    self._held[served.spec] += 1
                    return served
            self.for_bot(bot)

    def take_beside(self, deployment: int) -> Served | None:
        """A candidate that is open here, to be kept open until :meth:`give_back`; None without it."""
        with self._lock:
            served = self._beside.get(deployment)
            if served is not None:
                self._held[served.spec] += 1
            return served

    def give_back(self, served: Served) -> None:
        """An answer has ended. The last one closes an engine that no bot is served with."""
        self._release(served.spec)

    def serving(self, bot: int) -> Served | None:
        """What answers for the bot with that id; None before it was opened."""
        with self._lock:
            return self._serving.get(bot)

    def bots(self) -> list[int]:
        """The ids of the bots that are served here."""
        with self._lock:
            return list(self._serving)

    def is_idle(self, served: Served) -> bool:
        """Whether no answer is being written with its engine."""
        with self._lock:
            return not self._held[served.spec]

    def open(self, deployment: Deployment) -> Served:
        """Open the engine of a deployment beside all others; nobody is served with it yet.

        Ends with :meth:`switch` or :meth:`discard`. Raises :class:`EngineError`.
        """
        spec = spec_of(deployment)
        with self._lock:
            self._held[spec] += 1
        try:
            engine = self._engine(spec)
            return Served(deployment, engine, style_of(spec), spec, self._search(spec))
        except (ArtifactError, EmbeddingError) as error:
            self._release(spec)
            raise EngineError(str(error), code="no_model") from error
        except BaseException:
            self._release(spec)
            raise

    def switch(self, served: Served) -> None:
        """From now on this answers for its bot. What is being answered goes on as it began."""
        with self._lock:
            before = self._serving.get(served.deployment.bot_id)
            self._serving[served.deployment.bot_id] = served
        self._release(served.spec)
        if before is not None:
            self._close_unused(before.spec)

    def discard(self, served: Served) -> None:
        """What was opened is not wanted."""
        self._release(served.spec)

    def add_beside(self, served: Served) -> None:
        """From now on this challenger answers its own visitors, or this candidate unseen."""
        with self._lock:
            self._beside[served.deployment.pk] = served
        self._release(served.spec)

    def drop_beside(self, deployment: int) -> None:
        """A challenger or candidate answers nobody any more."""
        with self._lock:
            before = self._beside.pop(deployment, None)
        if before is not None:
            self._close_unused(before.spec)

    def searches(self) -> list[LibraryShelf]:
        """Those that models brought along and that are open here."""
        with self._lock:
            return list(self._searches.values())

    def beside(self) -> list[int]:
        """The ids of the challengers and candidates that are open here."""
        with self._lock:
            return list(self._beside)

    def drop(self, bot: int) -> None:
        """Nothing answers for the bot any more."""
        with self._lock:
            before = self._serving.pop(bot, None)
        if before is not None:
            self._close_unused(before.spec)

    def close(self) -> None:
        """Close every engine."""
        with self._lock:
            engines = list(self._engines.values())
            self._engines.clear()
            self._searches.clear()
            self._serving.clear()
            self._beside.clear()
        for engine in engines:
            engine.close()

    def _engine(self, spec: EngineSpec) -> Engine:
        # One at a time: two openings would take the memory of both.
        with self._opening:
            with self._lock:
                known = self._engines.get(spec)
            if known is not None:
                return known
            engine = self._open(spec)
            with self._lock:
                self._engines[spec] = engine
            return engine

    def _search(self, spec: EngineSpec) -> LibraryShelf | None:
        """The search of an artifact that has one, open as long as its engine."""
        if spec.artifact is None or spec.engine in _WITHOUT_ARTIFACT:
            return None
        place = search_of(spec.artifact)
        if place is None:
            return None
        with self._opening:
            with self._lock:
                known = self._searches.get(spec)
            if known is not None:
                return known
            search = LibraryShelf(E5Embedder(folder=place))
            with self._lock:
                self._searches[spec] = search
            return search

    def _release(self, spec: EngineSpec) -> None:
        with self._lock:
            self._held[spec] -= 1
        self._close_unused(spec)

    def _close_unused(self, spec: EngineSpec) -> None:
        with self._lock:
            serving = (*self._serving.values(), *self._beside.values())
            if self._held[spec] > 0 or any(each.spec == spec for each in serving):
                return
            del self._held[spec]
            engine = self._engines.pop(spec, None)
            self._searches.pop(spec, None)
        if engine is not None:
            engine.close()

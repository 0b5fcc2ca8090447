"""Which engine answers for which bot: deployments from the database, engines kept open."""

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from chat.inference.artifacts import ArtifactError, read_manifest
from chat.inference.engine import Engine, EngineError, GenerationParams
from chat.inference.opening import EngineSpec, open_engine
from chat.models import Bot, Deployment
from chat.prompts import Prompt, Style, build
from chat.selectors import active_deployments


@dataclass(frozen=True, slots=True)
class Served:
    """An open engine, and the deployment on whose behalf it answers."""

    deployment: Deployment
    engine: Engine
    style: Style = "words"


def spec_of(deployment: Deployment) -> EngineSpec:
    """How to open the engine of a deployment on this machine, from the settings."""
    engine = settings.CHAT_ENGINE if deployment.engine == "auto" else deployment.engine
    return EngineSpec(
        engine=engine,
        device=settings.CHAT_DEVICE,
        artifact=settings.MODELS_DIR / "serving" / deployment.artifact
        if deployment.artifact
        else None,
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
    if spec.artifact is None or spec.engine in ("openai", "echo"):
        return "words"
    return "number" if read_manifest(spec.artifact).facts.style == "number" else "words"


class EngineShelf:
    """Opens each engine once, however many bots share it. Safe to use from threads."""

    def __init__(self, opener: Callable[[EngineSpec], Engine] = open_engine) -> None:
        self._open = opener
        self._engines: dict[EngineSpec, Engine] = {}
        self._lock = threading.Lock()

    def for_bot(self, bot: Bot) -> Served:
        """The engine that serves ``bot`` now. Raises :class:`EngineError`."""
        deployment = active_deployments().filter(bot=bot).first()
        if deployment is None:
            raise EngineError(f"bot {bot.pk} has no deployment", code="no_model", retryable=False)
        spec = spec_of(deployment)
        return Served(deployment, self._engine(spec), style_of(spec))

    def warm_up(self) -> None:
        """Open what is deployed and read each bot's instructions once.

        The first customer then finds the engine warm and, where it remembers prompts, the
        instructions already read. Raises :class:`EngineError`.
        """
        for deployment in active_deployments():
            engine = self._engine(spec_of(deployment))
            for instructions in deployment.bot.instructions.values():
                prompt = Prompt(instructions, ({"role": "user", "content": "?"},))
                params = GenerationParams(max_new_tokens=1)
                for _ in engine.stream(f"warm-up-{deployment.pk}", build(prompt), params):
                    pass

    def close(self) -> None:
        """Close every engine."""
        with self._lock:
            for engine in self._engines.values():
                engine.close()
            self._engines.clear()

    def _engine(self, spec: EngineSpec) -> Engine:
        with self._lock:
            if spec not in self._engines:
                try:
                    self._engines[spec] = self._open(spec)
                except ArtifactError as error:
                    raise EngineError(str(error), code="no_model") from error
            return self._engines[spec]

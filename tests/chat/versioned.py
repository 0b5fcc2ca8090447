"""An engine that says which version it is, and a runner of its own with it: swaps are seen.

``python -m tests.chat.versioned`` is a runner like the real one, over the database that its
environment names, with this engine for every deployment.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence

from chat.inference.artifacts import ArtifactError
from chat.inference.engine import ChatMessage, Continuation, Engine, EngineError, GenerationParams
from chat.inference.opening import EngineSpec

PLACES = "abcdef"
"""One for each word: an answer that repeated itself would be cut short."""
PAUSE = "CSBOT_VERSIONED_PAUSE"
LOADING = "CSBOT_VERSIONED_LOADING"


class Versioned:
    """Says the name of its artifact, word by word and which word it is; refuses to speak once it
    is closed."""

    name, device, seats, context_length = "versioned", "cpu", 16, 4000

    def __init__(self, spec: EngineSpec, pause: float = 0.01) -> None:
        assert spec.artifact is not None
        self.version = spec.artifact.name
        self.pause = pause
        self.closed = threading.Event()
        self.asked: list[str] = []

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        return 1

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        self.asked.append(messages[-1]["content"])
        if self.version == "mute":
            return
        for place in PLACES[: params.max_new_tokens]:
            time.sleep(self.pause)
            if self.closed.is_set():
                raise EngineError("closed in mid-answer", code="engine_closed")
            yield f" {self.version}.{place}"

    def likelihoods(self, request_id: str, continuations: Sequence[Continuation]) -> list[float]:
        raise EngineError("there is no model", code="cannot_weigh", retryable=False)

    def cancel(self, request_id: str) -> None:
        pass

    def close(self) -> None:
        self.closed.set()


def answer_of(version: str) -> str:
    """The whole answer of one version, and of no two."""
    return " ".join(f"{version}.{place}" for place in PLACES)


def version_of(answer: str) -> str:
    """The version that an answer begins with."""
    return answer.split(".", maxsplit=1)[0]


class Opener:
    """Opens what is asked for, except what is ``damaged``; takes ``loading`` seconds for it."""

    def __init__(self, pause: float = 0.01, loading: float = 0.0) -> None:
        self.engines: list[Versioned] = []
        self.pause = pause
        self.loading = loading
        self.damaged: set[str] = set()

    def __call__(self, spec: EngineSpec) -> Engine:
        assert spec.artifact is not None
        time.sleep(self.loading)
        if spec.artifact.name in self.damaged:
            raise ArtifactError(f"{spec.artifact.name}: model.onnx is damaged.")
        self.engines.append(Versioned(spec, self.pause))
        return self.engines[-1]

    @property
    def open(self) -> list[str]:
        return [each.version for each in self.engines if not each.closed.is_set()]


def main() -> None:
    import django

    django.setup()
    from chat.deployments import EngineShelf
    from chat.errand import Shelves
    from chat.runner import Runner
    from chat.swapping import open_deployed

    opener = Opener(float(os.environ.get(PAUSE, "0.01")), float(os.environ.get(LOADING, "0")))
    shelves = Shelves(EngineShelf(opener))
    open_deployed(shelves)
    shelves.warm_up()

    async def run() -> None:
        runner = Runner(shelves, seats=16)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, runner.stop)
        await runner.run()

    asyncio.run(run())


if __name__ == "__main__":
    main()

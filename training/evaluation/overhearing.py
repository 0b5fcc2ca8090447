"""What a model itself wrote, before anything was made of it: for comparing two engines."""

from collections.abc import Iterator, Sequence

from chat.inference.engine import ChatMessage, Continuation, Engine, GenerationParams


class Overheard:
    """An engine like ``engine`` whose answers are kept in ``texts``, in order."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = engine.name
        self.device = engine.device
        self.seats = engine.seats
        self.context_length = engine.context_length
        self.texts: list[str] = []

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        return self._engine.count_tokens(messages)

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        """As the engine's own; an answer that is cut off is kept as far as it came."""
        said: list[str] = []
        try:
            for delta in self._engine.stream(request_id, messages, params):
                said.append(delta)
                yield delta
        finally:
            self.texts.append("".join(said))

    def likelihoods(self, request_id: str, continuations: Sequence[Continuation]) -> list[float]:
        return self._engine.likelihoods(request_id, continuations)

    def cancel(self, request_id: str) -> None:
        self._engine.cancel(request_id)

    def close(self) -> None:
        self._engine.close()

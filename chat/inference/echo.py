"""The engine without a model: repeats the question, word by word.

For tests and for development without weights. A "token" is a word with the space before it,
and as nothing chose it, it has no probability: ``on_token`` is never called.
"""

import re
import threading
from collections.abc import Iterator, Sequence

from chat.inference.engine import ChatMessage, GenerationParams
from chat.inference.seats import Seats, too_long_error

_WORD = re.compile(r"\s*\S+|\s+$")


class EchoEngine:
    """Deterministic; ``delay`` is the pause before each word, in seconds."""

    name = "echo"
    device = "cpu"

    def __init__(self, *, seats: int = 8, context_length: int = 1024, delay: float = 0.0) -> None:
        self.seats = seats
        self.context_length = context_length
        self._delay = delay
        self._seats = Seats(seats)

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Words in all messages."""
        return sum(len(_WORD.findall(message["content"])) for message in messages)

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        """Yield the last user message again, a word at a time; of choices the one with most bias."""
        room = self.context_length - self.count_tokens(messages)
        if room <= 0:
            raise too_long_error(self.count_tokens(messages), self.context_length)
        question = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
        ended = threading.Event()
        words = _WORD.findall(question)[: min(room, params.max_new_tokens)]
        if params.choices:
            words = [max(params.choices, key=lambda each: each.bias).text]
        with self._seats.seat(request_id) as work:
            work.on_end(ended.set)
            for word in words:
                ended.wait(self._delay)
                if work.is_over():
                    return
                yield word

    def cancel(self, request_id: str) -> None:
        """End that request's stream."""
        self._seats.cancel(request_id)

    def close(self) -> None:
        """End all streams."""
        self._seats.close()

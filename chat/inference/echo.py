"""The engine without a model: repeats the question, word by word.

For tests and for development without weights. A "token" is a word with the space before it,
and as nothing chose it, it has no probability: ``on_token`` is never called. How likely a given
text is has a rule instead: what repeats is certain, every word that is new makes it less likely.
"""

import re
import threading
from collections.abc import Iterator, Sequence

from chat.inference.engine import ChatMessage, Continuation, GenerationParams
from chat.inference.seats import Seats, too_long_error

_WORD = re.compile(r"\s*\S+|\s+$")
_LETTERS = re.compile(r"\w+")


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

    def likelihoods(self, request_id: str, continuations: Sequence[Continuation]) -> list[float]:
        """Of each, minus the number of words of ``said`` that stand neither in ``begun`` nor in
        ``messages``; whether letters are large or small and what stands between words is ignored.
        """
        for each in continuations:
            begun = self.count_tokens(each.messages) + len(_WORD.findall(each.begun))
            if begun + len(_WORD.findall(each.said)) > self.context_length:
                raise too_long_error(begun, self.context_length)
        with self._seats.seat(request_id) as work:
            return [] if work.is_over() else [_likelihood(each) for each in continuations]

    def cancel(self, request_id: str) -> None:
        """End that request."""
        self._seats.cancel(request_id)

    def close(self) -> None:
        """End all requests."""
        self._seats.close()


def _likelihood(continuation: Continuation) -> float:
    read = [continuation.begun, *(message["content"] for message in continuation.messages)]
    known = {word for text in read for word in _words(text)}
    return float(-sum(word not in known for word in _words(continuation.said)))


def _words(text: str) -> list[str]:
    return _LETTERS.findall(text.casefold())

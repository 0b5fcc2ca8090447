"""The plain loop: one answer at a time through a model's forward pass.

Shared by the engines whose library has no batching of its own worth using. The loop runs in
the thread of the caller, so closing its iterator or cancelling ends the work at once.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chat.inference.detokenizer import Detokenizer
from chat.inference.engine import ChatMessage, GenerationParams
from chat.inference.sampling import Sampler
from chat.inference.seats import Seats, Work, too_long_error
from chat.inference.tokenizer import ChatTokenizer

Forward = Callable[[Sequence[int], Any, int], tuple[NDArray[np.float32], Any]]
"""One pass of a model: new ids, the state of those before and the count of both together;
returns the logits after the last id and the new state."""


class LoopEngine:
    """An engine with one seat around ``forward``."""

    seats = 1

    def __init__(
        self,
        name: str,
        device: str,
        forward: Forward,
        tokenizer: ChatTokenizer,
        *,
        context_length: int,
    ) -> None:
        self.name = name
        self.device = device
        self.context_length = context_length
        self._forward: Forward | None = forward
        self._tokenizer = tokenizer
        self._seats = Seats(self.seats)

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of the rendered chat template."""
        return len(self._tokenizer.prompt_ids(messages))

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        """Yield the answer's deltas; see :class:`chat.inference.engine.Engine`."""
        prompt = self._tokenizer.prompt_ids(messages)
        if len(prompt) >= self.context_length:
            raise too_long_error(len(prompt), self.context_length)
        detokenizer = Detokenizer(self._tokenizer.decode)
        with self._seats.seat(request_id) as work:
            for token in self._tokens(prompt, params, work):
                if delta := detokenizer.push(token):
                    yield delta
            if delta := detokenizer.finish():
                yield delta

    def cancel(self, request_id: str) -> None:
        """End that request's stream after the current token."""
        self._seats.cancel(request_id)

    def close(self) -> None:
        """End all streams and let go of the model."""
        self._seats.close()
        self._forward = None

    def _tokens(self, prompt: list[int], params: GenerationParams, work: Work) -> Iterator[int]:
        stops = frozenset() if params.ignore_eos else self._tokenizer.stop_ids
        sampler = Sampler(params, self._tokenizer.token_of)
        ids, past, length = prompt, None, len(prompt)
        for _ in range(min(sampler.limit, self.context_length - len(prompt))):
            if work.is_over() or self._forward is None:
                return
            logits, past = self._forward(ids, past, length)
            token = sampler.pick(logits)
            if token in stops:
                return
            if params.on_token is not None:
                params.on_token(sampler.log_probability(logits, token))
            yield token
            ids, length = [token], length + 1

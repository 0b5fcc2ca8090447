"""The plain loop: one answer at a time through a model's forward pass.

Shared by the engines whose library has no batching of its own worth using. The loop runs in
the thread of the caller, so closing its iterator or cancelling ends the work at once.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chat.inference.detokenizer import Detokenizer
from chat.inference.engine import ChatMessage, Continuation, GenerationParams
from chat.inference.sampling import Forced, Sampler
from chat.inference.seats import Seats, Work, too_long_error
from chat.inference.tokenizer import ChatTokenizer

Logits = NDArray[np.float32]
Forward = Callable[[Sequence[int], Any, int], tuple[Logits, Any]]
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

    def likelihoods(self, request_id: str, continuations: Sequence[Continuation]) -> list[float]:
        """One continuation after the other; see :class:`chat.inference.engine.Engine`."""
        parts = [self._tokenizer.continuation_ids(each) for each in continuations]
        for prompt, said in parts:
            if len(prompt) + len(said) > self.context_length:
                raise too_long_error(len(prompt), self.context_length)
        found = []
        with self._seats.seat(request_id) as work:
            for prompt, said in parts:
                forced = Forced(said)
                steps = self._steps(prompt, forced, work)
                logprobs = [forced.log_probability(logits, token) for token, logits in steps]
                if len(logprobs) < len(said):
                    return []  # Cancelled.
                found.append(sum(logprobs, 0.0))
        return found

    def cancel(self, request_id: str) -> None:
        """End that request after the current token."""
        self._seats.cancel(request_id)

    def close(self) -> None:
        """End all requests and let go of the model."""
        self._seats.close()
        self._forward = None

    def _tokens(self, prompt: list[int], params: GenerationParams, work: Work) -> Iterator[int]:
        stops = frozenset() if params.ignore_eos else self._tokenizer.stop_ids
        sampler = Sampler(params, self._tokenizer.token_of)
        for token, logits in self._steps(prompt, sampler, work):
            if token in stops:
                return
            if params.on_token is not None:
                params.on_token(sampler.log_probability(logits, token))
            yield token

    def _steps(
        self, prompt: list[int], sampler: Sampler | Forced, work: Work
    ) -> Iterator[tuple[int, Logits]]:
        """Each token that ``sampler`` takes, and the logits that it took it from."""
        ids, past, length = prompt, None, len(prompt)
        for _ in range(min(sampler.limit, self.context_length - len(prompt))):
            # In this order, as close() works in the other: without a model the work is over.
            forward = self._forward
            if work.is_over() or forward is None:
                return
            logits, past = forward(ids, past, length)
            token = sampler.pick(logits)
            yield token, logits
            ids, length = [token], length + 1

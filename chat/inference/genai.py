"""The default engine on CPUs: onnxruntime-genai's graph, stepped by our own scheduler.

The library's own ``Engine`` batches statically on CPUs (see
``docs/decisions/0003-continuous-batching.md``), so only its graph is used; the process that
serves never imports it, nor torch.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from chat.inference.decoder import DecoderShape, RowDecoder
from chat.inference.detokenizer import Detokenizer
from chat.inference.engine import ChatMessage, Continuation, EngineError, GenerationParams
from chat.inference.rows import Rows
from chat.inference.sampling import Forced, Sampler
from chat.inference.scheduler import Answer, Scheduler, Token
from chat.inference.seats import too_long_error
from chat.inference.tokenizer import ChatTokenizer

_SPARE_ROWS = 4
"""Rows beside the seats: one being read, the others remember earlier prompts."""


class GenaiEngine:
    """A ``genai`` artifact on the CPU. Continuous batching over ``seats`` answers."""

    name = "genai"
    device = "cpu"

    def __init__(
        self, folder: Path, *, seats: int = 8, context_length: int = 1024, threads: int = 0
    ) -> None:
        config = json.loads((folder / "genai_config.json").read_text(encoding="utf-8"))["model"]
        self.seats = seats
        self.context_length = min(context_length, int(config["context_length"]))
        self._tokenizer = ChatTokenizer(folder)
        self._decoder = RowDecoder(
            folder / config["decoder"]["filename"],
            _shape(config),
            rows=seats + _SPARE_ROWS,
            context_length=self.context_length,
            threads=threads or len(os.sched_getaffinity(0)),
        )
        self._scheduler = Scheduler(Rows(self._decoder), seats=seats)

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of the rendered chat template."""
        return len(self._tokenizer.prompt_ids(messages))

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        """Yield the answer's deltas; see :class:`chat.inference.engine.Engine`."""
        answer = self._answer(request_id, messages, params)
        detokenizer = Detokenizer(self._tokenizer.decode)
        self._scheduler.submit(answer)
        try:
            while isinstance(token := answer.output.get(), Token):
                if params.on_token is not None and token.logprob is not None:
                    params.on_token(token.logprob)
                if delta := detokenizer.push(token.id):
                    yield delta
        finally:
            self._scheduler.cancel(request_id)
        if isinstance(token, EngineError):
            raise token
        if delta := detokenizer.finish():
            yield delta

    def likelihoods(self, request_id: str, continuations: Sequence[Continuation]) -> list[float]:
        """Read each ``said`` in the place of an answer; see
        :class:`chat.inference.engine.Engine`."""
        parts = [self._tokenizer.continuation_ids(each) for each in continuations]
        for prompt, said in parts:
            if len(prompt) + len(said) > self.context_length:
                raise too_long_error(len(prompt), self.context_length)
        # No token stops a text that is given.
        answers = {
            index: Answer(request_id, prompt, True, frozenset(), len(said), Forced(said))
            for index, (prompt, said) in enumerate(parts)
            if said
        }
        found = [0.0] * len(parts)
        self._scheduler.submit(*answers.values())
        try:
            for index, answer in answers.items():
                logprobs = _logprobs(answer)
                if len(logprobs) < answer.room:
                    return []  # Cancelled.
                found[index] = sum(logprobs)
        finally:
            self._scheduler.cancel(request_id)
        return found

    def cancel(self, request_id: str) -> None:
        """End that request's answers at the next step."""
        self._scheduler.cancel(request_id)

    def close(self) -> None:
        """Stop the decoder thread and give the graph back."""
        self._scheduler.close()
        self._decoder.close()

    def _answer(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Answer:
        prompt = self._tokenizer.prompt_ids(messages)
        if len(prompt) >= self.context_length:
            raise too_long_error(len(prompt), self.context_length)
        sampler = Sampler(params, self._tokenizer.token_of)
        room = min(sampler.limit, self.context_length - len(prompt))
        stops = frozenset() if params.ignore_eos else self._tokenizer.stop_ids
        return Answer(request_id, prompt, params.on_token is not None, stops, room, sampler)


def _logprobs(answer: Answer) -> list[float]:
    """Of each token, once the answer is complete or was cancelled. Raises :class:`EngineError`."""
    found = []
    while isinstance(token := answer.output.get(), Token):
        assert token.logprob is not None
        found.append(token.logprob)
    if isinstance(token, EngineError):
        raise token
    return found


def _shape(config: dict[str, object]) -> DecoderShape:
    decoder = config["decoder"]
    assert isinstance(decoder, dict)
    return DecoderShape(
        layers=int(decoder["num_hidden_layers"]),
        kv_heads=int(decoder["num_key_value_heads"]),
        head_size=int(decoder["head_size"]),
        vocabulary=int(str(config["vocab_size"])),
    )

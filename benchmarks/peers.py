"""Other ways to serve the same model, in the shape of our engines.

``genai-static`` is onnxruntime-genai's own ``Engine``, ``genai-turns`` steps one of its
generators per request in turn, ``optimum`` is ``generate`` of an ONNX export, ``llama.cpp``
is its HTTP server. Each takes the prompt of the same chat template.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from chat.inference.engine import ChatMessage, Engine, GenerationParams
from chat.inference.opening import EngineSpec, open_engine
from chat.inference.tokenizer import ChatTokenizer

THREADS = 2
SEATS = 16
CONTEXT = 512


class Peer:
    """A model that answers with tokens; ``stream`` yields one item for each."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = ChatTokenizer(folder)

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        """Forced tokens of a greedy answer, as ids in decimal."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop threads."""


class GenaiPeer(Peer):
    """A thread that owns the library's objects; requests come and go through queues."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import onnxruntime_genai as og

        config = og.Config(str(folder))
        self._og = og
        self._model = og.Model(config)
        self._new: SimpleQueue[Any] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        prompt = self._tokenizer.prompt_ids(messages)
        output: SimpleQueue[int | None] = SimpleQueue()
        self._new.put((prompt, params.max_new_tokens, output))
        while (token := output.get()) is not None:
            yield str(token)

    def close(self) -> None:
        self._new.put(None)
        self._thread.join()

    def _params(self, length: int) -> Any:
        params = self._og.GeneratorParams(self._model)
        # Equal lengths force the tokens: the end token is ruled out until then.
        params.set_search_options(max_length=length, min_length=length, do_sample=False)
        return params

    def _run(self) -> None:
        raise NotImplementedError

    def _take(self, *, wait: bool) -> list[Any]:
        found = [self._new.get()] if wait else []
        while not self._new.empty():
            found.append(self._new.get())
        return found


class GenaiStatic(GenaiPeer):
    """(a) The library's ``Engine``: static batches of four."""

    def _run(self) -> None:
        engine = self._og.Engine(self._model)
        running: dict[int, tuple[Any, Any]] = {}
        while True:
            for new in self._take(wait=not running):
                if new is None:
                    return
                prompt, count, output = new
                request = self._og.Request(self._params(len(prompt) + count))
                request.add_tokens(prompt)
                # The library keeps no reference of its own to what it carries.
                running[id(output)] = (request, output)
                request.set_opaque_data(output)
                engine.add_request(request)
            ready = engine.step()
            if ready is None:
                continue
            output = ready.get_opaque_data()
            while ready.has_unseen_tokens():
                output.put(ready.get_unseen_token())
            if ready.is_done():
                output.put(None)
                del running[id(output)]


class GenaiTurns(GenaiPeer):
    """(b) One ``Generator`` for each request, stepped in turn."""

    def _run(self) -> None:
        running: list[tuple[Any, int, Any]] = []
        while True:
            for new in self._take(wait=not running):
                if new is None:
                    return
                prompt, count, output = new
                generator = self._og.Generator(self._model, self._params(len(prompt) + count))
                generator.append_tokens(prompt)
                running.append((generator, count, output))
            after = []
            for generator, left, output in running:
                generator.generate_next_token()
                output.put(int(generator.get_next_tokens()[0]))
                if left > 1:
                    after.append((generator, left - 1, output))
                else:
                    output.put(None)
            running = after


class Optimum(Peer):
    """``ORTModelForCausalLM.generate``, one request at a time, the answer when it is whole."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import onnxruntime
        import torch
        from optimum.onnxruntime import ORTModelForCausalLM

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self._torch = torch
        self._model = ORTModelForCausalLM.from_pretrained(folder, session_options=options)
        self._lock = threading.Lock()

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        prompt = self._torch.tensor([self._tokenizer.prompt_ids(messages)])
        count = params.max_new_tokens
        with self._lock:
            found = self._model.generate(
                prompt,
                attention_mask=self._torch.ones_like(prompt),
                min_new_tokens=count,
                max_new_tokens=count,
                do_sample=False,
            )
        for token in found[0, prompt.shape[1] :].tolist():
            yield str(token)


@contextmanager
def ours(artifact: Path) -> Iterator[Engine]:
    """The engine that csbot serves with."""
    spec = EngineSpec(
        engine="genai", artifact=artifact, threads=THREADS, seats=SEATS, context_length=CONTEXT
    )
    engine = open_engine(spec)
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def llama_cpp(gguf: Path) -> Iterator[Engine]:
    """The llama.cpp server on the loopback address, through our ``openai`` engine."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.n_parallel = SEATS
    params.n_ctx = SEATS * CONTEXT
    params.cpuparams.n_threads = THREADS
    params.cpuparams_batch.n_threads = THREADS
    params.warmup = True
    params.port = 0
    server = xllamacpp.Server(params)
    spec = EngineSpec(engine="openai", openai_url=f"{server.listening_address}/v1", seats=SEATS)
    engine = open_engine(spec)
    try:
        yield engine
    finally:
        engine.close()
        del server


@contextmanager
def peer(kind: type[Peer], folder: Path) -> Iterator[Peer]:
    """A peer for the block."""
    opened = kind(folder)
    try:
        yield opened
    finally:
        opened.close()

"""One exported decoder graph, many answers: every row of the batch is another request.

The graph that onnxruntime-genai's model builder writes takes the keys and values of the past
and returns them extended. Here both are bound to the same memory, which is owned by numpy and
cut into *rows* of ``context_length`` tokens. Rows are ragged: the graph derives each row's
length from its attention mask, so a row of 40 tokens and one of 900 decode in the same step.
What this module does not know: requests, text, sampling.
"""

import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """The sizes that a graph's keys and values have, as ``genai_config.json`` states them."""

    layers: int
    kv_heads: int
    head_size: int
    vocabulary: int


class RowDecoder:
    """The graph with ``rows`` rows of ``context_length`` tokens. Not safe for two threads."""

    def __init__(
        self, model: Path, shape: DecoderShape, *, rows: int, context_length: int, threads: int
    ) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin during a step make it a third faster; those that spin on after it
        # would burn whole cores between answers.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self._session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        # Reading a prompt asks for keys and values only; this leaves the vocabulary head out.
        self._fetches_only = onnxruntime.RunOptions()
        self._fetches_only.only_execute_path_to_fetches = True
        self.shape = shape
        self.rows = rows
        self.context_length = context_length
        self._cache = _lazy_zeros(
            (shape.layers, 2, rows, shape.kv_heads, context_length, shape.head_size)
        )
        self._spare = np.empty(
            (2, shape.kv_heads, context_length, shape.head_size), dtype=np.float32
        )
        self._logits: Logits = np.empty((rows, 1, shape.vocabulary), dtype=np.float32)
        self._tokens = np.empty((rows, 1), dtype=np.int64)
        self._bindings: dict[tuple[int, int, bool], Any] = {}

    def read(self, row: int, tokens: Sequence[int], start: int) -> None:
        """Put ``tokens`` at positions ``start``.. of one row, without computing logits."""
        binding = self._binding(row, 1, with_logits=False)
        ids = np.array([tokens], dtype=np.int64)
        mask = np.ones((1, start + len(tokens)), dtype=np.int64)
        binding.bind_cpu_input("input_ids", ids)
        binding.bind_cpu_input("attention_mask", mask)
        self._session.run_with_iobinding(binding, self._fetches_only)

    def weigh(self, row: int, tokens: Sequence[int], start: int) -> Logits:
        """The same, with the logits after each of the tokens: shape (tokens, vocabulary)."""
        # A binding of its own: others of this row fetch no logits.
        binding = self._bind(row, 1, with_logits=False)
        ids = np.array([tokens], dtype=np.int64)
        mask = np.ones((1, start + len(tokens)), dtype=np.int64)
        logits: Logits = np.empty((1, len(tokens), self.shape.vocabulary), dtype=np.float32)
        binding.bind_cpu_input("input_ids", ids)
        binding.bind_cpu_input("attention_mask", mask)
        binding.bind_output("logits", "cpu", 0, np.float32, logits.shape, logits.ctypes.data)
        self._session.run_with_iobinding(binding)
        found: Logits = logits[0]
        return found

    def step(self, tokens: Sequence[int], lengths: Sequence[int]) -> Logits:
        """Append one token to each of the first rows; the logits after it, one row each.

        ``lengths`` are the tokens that each row holds before. The result is overwritten by
        the next step.
        """
        count = len(tokens)
        binding = self._binding(0, count, with_logits=True)
        self._tokens[:count, 0] = tokens
        ends = np.asarray(lengths, dtype=np.int64) + 1
        mask = (np.arange(ends.max()) < ends[:, None]).astype(np.int64)
        binding.bind_cpu_input("attention_mask", mask)
        self._session.run_with_iobinding(binding)
        return self._logits[:count, 0]

    def copy(self, source: int, target: int, length: int) -> None:
        """Let the first ``length`` tokens of ``target`` be those of ``source``."""
        self._cache[:, :, target, :, :length] = self._cache[:, :, source, :, :length]

    def swap(self, one: int, other: int, length: int) -> None:
        """Exchange the first ``length`` tokens of two rows."""
        kept = self._spare[:, :, :length]
        # Layer by layer through a small buffer: fresh memory for all of it costs page faults.
        for layer in self._cache:
            kept[:] = layer[:, one, :, :length]
            layer[:, one, :, :length] = layer[:, other, :, :length]
            layer[:, other, :, :length] = kept

    def close(self) -> None:
        """Give back the graph; the cache goes with the object."""
        self._bindings.clear()
        self._session = None

    def _binding(self, first: int, count: int, *, with_logits: bool) -> Any:
        key = (first, count, with_logits)
        if key not in self._bindings:
            self._bindings[key] = self._bind(first, count, with_logits)
        return self._bindings[key]

    def _bind(self, first: int, count: int, with_logits: bool) -> Any:
        binding = self._session.io_binding()
        for layer in range(self.shape.layers):
            for index, kind in enumerate(("key", "value")):
                rows = self._cache[layer, index, first : first + count]
                place = ("cpu", 0, np.float32, rows.shape, rows.ctypes.data)
                binding.bind_input(f"past_key_values.{layer}.{kind}", *place)
                binding.bind_output(f"present.{layer}.{kind}", *place)
        if with_logits:
            logits, tokens = self._logits[:count], self._tokens[:count]
            binding.bind_output("logits", "cpu", 0, np.float32, logits.shape, logits.ctypes.data)
            binding.bind_input("input_ids", "cpu", 0, np.int64, tokens.shape, tokens.ctypes.data)
        return binding


def _lazy_zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Memory that costs nothing until it is written, and then page by page.

    A row's tokens lie far apart; with huge pages the first short prompt would claim, and
    wait for, most of the cache.
    """
    memory = mmap.mmap(-1, math.prod(shape) * np.dtype(np.float32).itemsize)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype=np.float32).reshape(shape)

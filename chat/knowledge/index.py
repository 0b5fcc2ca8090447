"""All approved questions of one bot in one language, in memory; exact search.

Embeddings of a general model say how alike two sentences are in everything, politeness and length
included. What counts here is which answer they belong to, and the wordings of each answer show how
sentences differ that mean the same. So the vectors are compared after :class:`Space` has
shrunk the directions in which wordings of one answer differ. Measured in docs/knowledge.md.

A hundred thousand wordings of 384 dimensions take 300 MB and one matrix product a question.
"""

from collections.abc import Collection, Sequence
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
        means = _sums(vectors, groups) / counts[:, None]
        rest = vectors - means[groups].astype(np.float32)
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
        self._texts = answers
        self._starts = np.searchsorted(groups, np.arange(len(ids)))
        texts = np.stack([answers[each] for each in ids.tolist()])
        all_vectors = np.concatenate([self._vectors, texts])
        all_groups = np.concatenate([groups, np.arange(len(ids))])
        self._space = Space(all_vectors, all_groups)
        placed = self._space.place(all_vectors)
        self._placed = placed[: len(variants)]
        self._centres = unit(_sums(placed, all_groups))

    def __len__(self) -> int:
        return len(self._variants)

    def nearest(
        self,
        vector: Vectors,
        limit: int,
        *,
        without: Collection[str] = (),
        joined: Vectors | None = None,
        given: Collection[int] = (),
    ) -> list[Candidate]:
        """The ``limit`` best answers, the best first. ``vector`` has one dimension.

        ``without`` are wordings to do without, see :meth:`lacking`.
        ``joined`` is the vector of a follow-up with the question before it: answers are then
        ordered by the mean of both, and those ``given`` already come last. A follow-up names half
        of what it is about, its context mostly what was answered; together they find it.
        """
        if without:
            index = self.lacking(without)
            return index.nearest(vector, limit, joined=joined, given=given)
        if not len(self) or limit <= 0:
            return []
        ranks = self._ranks(vector)
        if joined is not None:
            ranks = np.float32(0.5) * (ranks + self._ranks(joined))
            ranks[np.isin(self._answers, list(given))] -= _GIVEN
        limit = min(limit, len(ranks))
        groups = np.argpartition(-ranks, limit - 1)[:limit]
        groups = groups[np.argsort(-ranks[groups], kind="stable")]
        return [self._candidate(int(group), vector, float(ranks[group])) for group in groups]

    def lacking(self, questions: Collection[str]) -> "Index":
        """The index as it were if nobody had approved these wordings: a training example may not
        find itself, nor an approved wording prove that it is not needed.

        Made anew (some 20 ms for a thousand wordings): what a wording adds to the centre of its
        answer and to the space would give it away.
        """
        hidden = set(questions)
        kept = [i for i, each in enumerate(self._variants) if each.question not in hidden]
        if len(kept) == len(self):
            return self
        variants = [self._variants[i] for i in kept]
        return Index(variants, self._vectors[kept], self._texts, embedder=self.embedder)

    def _ranks(self, vector: Vectors) -> Vectors:
        placed = self._space.place(vector[None, :])[0]
        near = self._placed @ placed
        ranks: Vectors = np.asarray(self._centres @ placed + self._best_two(near), np.float32)
        return ranks

    def _best_two(self, near: Vectors) -> Vectors:
        """For each answer, the mean of its two nearest wordings (of one, if it has one)."""
        first = np.maximum.reduceat(near, self._starts)
        sizes = np.diff(self._starts, append=len(near))
        rest = np.where(near == np.repeat(first, sizes), -1.0, near).astype(np.float32)
        second = np.maximum.reduceat(rest, self._starts)
        return np.where(second > -1.0, (first + second) / 2, first)

    def _candidate(self, group: int, vector: Vectors, rank: float) -> Candidate:
        begin = int(self._starts[group])
        end = int(self._starts[group + 1]) if group + 1 < len(self._starts) else len(self)
        scores = self._vectors[begin:end] @ vector
        place = int(np.argmax(scores))
        variant = self._variants[begin + place]
        return Candidate(variant.answer, variant.question, float(scores[place]), rank, end - begin)


def _sums(vectors: Vectors, groups: NDArray[np.intp]) -> Vectors:
    """The sum of each group's vectors; no group from 0 on is empty."""
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(int(groups.max()) + 1))
    sums: Vectors = np.add.reduceat(vectors[order], starts, axis=0)
    return sums

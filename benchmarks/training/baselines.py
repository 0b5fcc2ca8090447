"""What a bot would say without a model: the answer of the approved question that is nearest."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chat.knowledge.embedding import EmbedderSpec, open_embedder
from chat.models import Bot, CuratedAnswer
from training.evaluation.judging import Judged, judge
from training.evaluation.responding import Response
from training.frozen import FrozenRow
from training.services import responders
from training.services.preparing import ground

Vectors = Callable[[Sequence[str], Sequence[str]], tuple[Any, Any]]
"""Rows of length 1 for texts that are known and for those that are asked."""


def judged(row: FrozenRow, answer: str) -> Judged:
    """By the rule for all models: see :mod:`training.evaluation.judging`."""
    return judge(row, Response(answer, False, "curated", None, 0.0, 0))


def own_retriever(rows: Sequence[FrozenRow], bot: Bot, search: Path | None = None) -> list[Judged]:
    """csbot's own index with all that it knows of follow-ups; it answers everything. ``search`` is
    the encoder of a model that brings one."""
    texts = dict(CuratedAnswer.objects.filter(bot=bot).values_list("pk", "text"))
    return [
        judged(each.row, texts[each.near[0].answer] if each.near else "")
        for each in ground(rows, bot, responders.shelf_of(search))
    ]


def nearest_question(
    known: Sequence[FrozenRow], asked: Sequence[FrozenRow], vectors: Vectors
) -> list[Judged]:
    """The answer of the one known question with the highest cosine."""
    left, right = vectors([each.question for each in known], [each.question for each in asked])
    places = np.asarray((right @ left.T).argmax(axis=1)).ravel()
    return [judged(row, known[place].answer) for row, place in zip(asked, places, strict=True)]


def ngrams(known: Sequence[str], asked: Sequence[str]) -> tuple[Any, Any]:
    """Character n-grams of 1 to 4, weighed by how rare they are among the known ones."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True)
    return vectorizer.fit_transform(known), vectorizer.transform(asked)


def e5(known: Sequence[str], asked: Sequence[str]) -> tuple[Any, Any]:
    """The embedder that ships with csbot, as it comes: nothing is learned of the wordings."""
    embedder = open_embedder(EmbedderSpec(kind="e5"))
    return embedder.embed(known), embedder.embed(asked)

"""Libraries in memory, searched and judged as a runner does, without a database."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chat.knowledge.calibration import default_thresholds
from chat.knowledge.embedding import Embedder, EmbedderSpec, Vectors, open_embedder
from chat.knowledge.index import Candidate, Index, Variant
from chat.knowledge.matching import Match, decide

CANDIDATES = 5
"""As :mod:`chat.libraries` asks for."""


class Remembering:
    """e5, which embeds each text once: many figures ask about the same ones."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        self._embedder = embedder or open_embedder(EmbedderSpec(kind="e5"))
        self._known: dict[str, Vectors] = {}
        self.name = self._embedder.name

    def embed(self, questions: Sequence[str]) -> Vectors:
        missing = list(dict.fromkeys(each for each in questions if each not in self._known))
        if missing:
            self._known |= dict(zip(missing, self._embedder.embed(missing), strict=True))
        return np.stack([self._known[each] for each in questions])


class Library:
    """Questions with the number of their answer, at the thresholds that ship with csbot."""

    def __init__(
        self,
        variants: Sequence[Variant],
        answers: dict[int, str],
        embedder: Embedder,
        *,
        locale: str,
        names: Sequence[str] = (),
    ) -> None:
        """``answers`` are the answers' own texts, by their number."""
        used = sorted({each.answer for each in variants})
        self._embedder = embedder
        self._names = names
        self.thresholds = default_thresholds(embedder.name, locale)
        self.index = Index(
            variants,
            embedder.embed([each.question for each in variants]),
            dict(zip(used, embedder.embed([answers[each] for each in used]), strict=True)),
            embedder=embedder.name,
        )

    def nearest(self, question: str) -> list[Candidate]:
        """The best answers, the best first."""
        return self.index.nearest(self._embedder.embed([question])[0], CANDIDATES)

    def ask(self, question: str) -> Match:
        """What may be done with a question that begins a conversation."""
        return decide(question, self.nearest(question), self.thresholds, names=self._names)

    def served(self, questions: Iterable[str]) -> list[str]:
        """Those that would get an approved answer as it is."""
        return [each for each in questions if self.ask(each).answer is not None]


def singles(questions: Sequence[str], embedder: Embedder, *, locale: str) -> Library:
    """Each question alone is the only wording of an answer, whose text says nothing more."""
    variants = [Variant(number, question) for number, question in enumerate(questions)]
    return Library(variants, dict(enumerate(questions)), embedder, locale=locale)


def rows(path: Path) -> list[dict[str, Any]]:
    """A file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]

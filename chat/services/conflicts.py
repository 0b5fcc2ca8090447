"""Two answers to one question: found before they are saved, decided by people."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chat.knowledge.embedding import Embedder, Vectors
from chat.knowledge.guards import disagreement
from chat.knowledge.questions import normalized
from chat.libraries import LibraryShelf, embedded, thresholds_for
from chat.models import Bot, CuratedAnswer, QuestionVariant, QuestionVector

# On the demo shop a question of another answer is this near, and passes the guards, once in a thousand
# wordings. Lower, the warnings that mean nothing outnumber those that do.
NEAR_IDENTICAL = {"en": 0.94, "zh-hans": 0.96}
MOST_CONFLICTS = 100
MOST_EMBEDDED = 300
"""Somebody waits: more questions than this are compared word for word only."""
_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer that somebody wants to save; ``besides`` is the row that it would change."""

    questions: tuple[str, ...]
    text: str
    besides: int | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """``question`` is as good as ``known``, which ``answer`` answers in other words.

    ``score`` is 1 for the same words.
    """

    question: str
    known: str
    answer: CuratedAnswer
    score: float


def conflicts(
    bot: Bot,
    locale: str,
    questions: Sequence[str],
    text: str,
    *,
    besides: CuratedAnswer | None,
    shelf: LibraryShelf,
) -> list[Conflict]:
    """Answers in use that answer one of ``questions`` otherwise than ``text``, the surest first.

    ``besides`` is the answer that is being written. Raises
    :class:`chat.knowledge.embedding.EmbeddingError`.
    """
    proposal = Proposal(tuple(questions), text, besides.pk if besides else None)
    return conflicts_of_all(bot, locale, [proposal], shelf=shelf)


def conflicts_of_all(
    bot: Bot, locale: str, proposals: Sequence[Proposal], *, shelf: LibraryShelf | None
) -> list[Conflict]:
    """The same for many answers at once; without a ``shelf`` word for word only.

    Raises :class:`chat.knowledge.embedding.EmbeddingError`.
    """
    others = _Others(bot, locale)
    asked = [(question, each) for each in proposals for question in each.questions]
    found = others.word_for_word(asked)
    if shelf is not None and len(asked) <= MOST_EMBEDDED:
        certain = {(each.question, each.answer.pk) for each in found}
        near = others.near(asked, shelf.embedder)
        found += [each for each in near if (each.question, each.answer.pk) not in certain]
    return found[:MOST_CONFLICTS]


class _Others:
    """The wordings in use of one bot and language."""

    def __init__(self, bot: Bot, locale: str) -> None:
        self._bot, self._locale = bot, locale
        self._variants = list(
            QuestionVariant.objects.filter(
                answer__bot=bot, answer__locale=locale, answer__is_active=True
            ).select_related("answer")
        )
        self._said = {
            each.answer_id: normalized(each.answer.text)
            for each in self._variants
            if each.position == 0
        }

    def word_for_word(self, asked: Sequence[tuple[str, Proposal]]) -> list[Conflict]:
        known: dict[str, list[QuestionVariant]] = {}
        for each in self._variants:
            known.setdefault(each.normalized, []).append(each)
        return [
            Conflict(question, variant.text, variant.answer, 1.0)
            for question, proposal in asked
            for variant in known.get(normalized(question), ())
            if self._differs(variant, proposal)
        ]

    def near(self, asked: Sequence[tuple[str, Proposal]], embedder: Embedder) -> list[Conflict]:
        """For each other answer and each proposal the nearest two wordings."""
        variants, theirs = self._with_vectors(embedder)
        if not variants or not asked:
            return []
        mine = embedded([question for question, _ in asked], embedder)
        direct = thresholds_for(self._bot, self._locale, embedder.name).direct
        wanted = min(direct, NEAR_IDENTICAL[self._locale])
        best: dict[tuple[int, int], Conflict] = {}
        for start in range(0, len(variants), _BLOCK):
            scores = theirs[start : start + _BLOCK] @ mine.T
            for row, column in np.argwhere(scores >= wanted):
                variant, (question, proposal) = variants[start + row], asked[column]
                pair, score = (id(proposal), variant.answer_id), float(scores[row, column])
                if pair in best and best[pair].score >= score:
                    continue
                if self._differs(variant, proposal) and self._agrees(question, variant.text):
                    best[pair] = Conflict(question, variant.text, variant.answer, min(score, 0.999))
        return sorted(best.values(), key=lambda each: -each.score)

    def _differs(self, variant: QuestionVariant, proposal: Proposal) -> bool:
        answer = variant.answer_id
        return answer != proposal.besides and self._said.get(answer) != normalized(proposal.text)

    def _agrees(self, question: str, known: str) -> bool:
        return not disagreement(question, known, tuple(self._bot.product_names))

    def _with_vectors(self, embedder: Embedder) -> tuple[list[QuestionVariant], Vectors]:
        """Those that have vectors, or may get some while somebody waits.

        A runner embeds all, but not in the very moment in which many are new.
        """
        kept = QuestionVector.objects.filter(embedder=embedder.name).values_list(
            "digest", flat=True
        )
        known = {bytes(each) for each in kept}
        missing = [each for each in self._variants if _digest(each.text) not in known]
        left_out = {each.pk for each in missing[MOST_EMBEDDED:]}
        variants = [each for each in self._variants if each.pk not in left_out]
        return variants, embedded([each.text for each in variants], embedder)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()

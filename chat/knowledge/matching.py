"""From the nearest approved questions to what may be done with them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from chat.knowledge.guards import disagreement
from chat.knowledge.index import Candidate

FEW_WORDINGS = 3
"""Below so many wordings an answer's place among the others says little: only the cosine counts."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Calibrated for one embedder and language, see :mod:`chat.knowledge.calibration`.

    An approved answer may be served as it is when the next one is at least ``margin`` behind and
    either its ``rank`` is high enough or the cosine to one of its wordings is (``direct``).
    From the cosine ``near`` on it may be read by the model and suggested.
    """

    direct: float
    rank: float
    margin: float
    near: float


OPPOSED = frozenset(
    {"negation", "polarity", "number", "amount", "date", "unit", "id", "comparative", "direction"}
)
"""Objections of the guards that say: the nearest approved question asks something else."""


class Kind(StrEnum):
    """How an answer was found."""

    EXACT = "exact"
    SEMANTIC = "semantic"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Match:
    """What was found for a question.

    ``answer`` may be served as it is, when it is not None. ``near`` may be read by the model
    and suggested to the customer, nearest first. ``objection`` says what kept the nearest from being served.
    """

    kind: Kind
    answer: int | None
    near: tuple[Candidate, ...] = ()
    objection: str = ""

    @property
    def score(self) -> float:
        return self.near[0].score if self.near else 0.0

    @property
    def rank(self) -> float:
        return self.near[0].rank if self.near else 0.0

    @property
    def margin(self) -> float:
        """How far the second answer's rank is behind the first one's."""
        return margin(self.near)


def exact(answer: int, question: str) -> Match:
    """The question stands in the knowledge, word for word."""
    return Match(Kind.EXACT, answer, (Candidate(answer, question, 1.0, 2.0, 1),))


def margin(candidates: Sequence[Candidate]) -> float:
    """How far the second is behind the first; the whole rank of the only one."""
    if not candidates:
        return 0.0
    return candidates[0].rank - (candidates[1].rank if len(candidates) > 1 else 0.0)


def decide(
    question: str,
    candidates: Sequence[Candidate],
    thresholds: Thresholds,
    *,
    names: Collection[str] = (),
    leans: bool = False,
) -> Match:
    """What may be done with ``candidates``, nearest first. ``leans``: the question may be
    about something said before it, so nothing is served as it is."""
    if not candidates or candidates[0].score < thresholds.near:
        return Match(Kind.NONE, None, objection="far")
    near = tuple(each for each in candidates if each.score >= thresholds.near)
    match = Match(Kind.NONE, None, near)
    best = near[0]
    if objection := disagreement(question, best.question, names):
        return replace(match, objection=objection)
    is_placed = best.rank >= thresholds.rank and best.wordings >= FEW_WORDINGS
    if not is_placed and best.score < thresholds.direct:
        return replace(match, objection="far")
    # Against all that was found, near enough or not.
    if margin(candidates) < thresholds.margin:
        return replace(match, objection="margin")
    if leans:
        return replace(match, objection="context")
    return Match(Kind.SEMANTIC, best.answer, near)

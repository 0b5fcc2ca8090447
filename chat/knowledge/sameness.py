"""Whether two answers to one question say the same.

They do when the same approved answer stands behind both; else when their words are the same but for
case, punctuation and spaces; else when an embedder finds them at least as near as two wordings of
one question have to be to be answered alike (``Thresholds.direct``) and no guard finds another number, date,
amount, name or "not" in one of them. In doubt they differ: that costs a person one look, the opposite would hide
a difference.
"""

from collections.abc import Collection
from dataclasses import dataclass

from chat.knowledge.guards import disagreement
from chat.knowledge.matching import OPPOSED
from chat.knowledge.questions import normalized

CONTRADICTIONS = OPPOSED | {"name", "action", "scope", "question"}
"""Objections of the guards that count between answers. The others ('word', 'extra', 'order') do
not: two wordings of one answer differ in a word more often than not."""


@dataclass(frozen=True, slots=True)
class Said:
    """One side. ``answer`` is the approved answer behind it; no ``text``: a person was offered."""

    text: str
    answer: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``likeness`` is the cosine, None where nobody had to ask for it; ``difference`` says why the
    two are not the same, '' when they are."""

    likeness: float | None
    difference: str = ""

    @property
    def is_same(self) -> bool:
        return not self.difference


def at_a_glance(one: Said, other: Said) -> Comparison | None:
    """What can be said without an embedder; None when it has to be asked."""
    if not one.text or not other.text:
        return Comparison(None, "" if one.text == other.text else "silence")
    if one.answer is not None and one.answer == other.answer:
        return Comparison(None)
    if normalized(one.text) == normalized(other.text):
        return Comparison(1.0)
    return None


def compare(
    one: Said, other: Said, likeness: float, threshold: float, names: Collection[str] = ()
) -> Comparison:
    """What an embedder and the guards say. ``names`` are product names of the bot."""
    if likeness < threshold:
        return Comparison(likeness, "far")
    objection = disagreement(one.text, other.text, names)
    return Comparison(likeness, objection if objection in CONTRADICTIONS else "")

"""Whether an answer is right: one rule, for every model and every dataset.

An answer is right when it says what the standard answer says:

1. as normalised texts the two are the same, or
2. it contains the standard answer and what it adds states no other number, or
3. it is nearly in its words (a ratio of ``ALIKE`` and more), gives the same numbers in the
   same order and denies nothing that the other affirms.

Figures are where a fluent answer does harm: "within 14 days" for "within 30 days" has a ratio of
0.97 and is wrong. Numbers in words count as numbers. Where the standard is to offer a person,
offering one is right and any answer is wrong; where there is an answer, offering a person is
counted by itself, neither right nor wrong.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from chat.knowledge.guards import signature
from chat.knowledge.questions import normalized
from training.evaluation.responding import Response
from training.frozen import FrozenRow

ALIKE = 0.85
"""Stricter than what confidence is calibrated on, :data:`chat.trials.ALIKE`."""

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")


class Outcome(StrEnum):
    """Names are stored, see :class:`training.models.EvaluatedAnswer`."""

    RIGHT = "right"
    WRONG = "wrong"
    HANDED_OVER = "handed_over"


@dataclass(frozen=True, slots=True)
class Judged:
    """One held-out row, what was said to it, and the verdict."""

    row: FrozenRow
    response: Response
    outcome: Outcome

    @property
    def is_right(self) -> bool:
        return self.outcome is Outcome.RIGHT

    @property
    def is_offered(self) -> bool:
        """Whether the right answer is not given, and one click away."""
        is_near = any(says_the_same(each, self.row.answer) for each in self.response.offered)
        return self.outcome is Outcome.HANDED_OVER and is_near

    @property
    def turns(self) -> int:
        """What the customer said, the question included."""
        return sum(each["role"] == "user" for each in self.row.messages)


def judge(row: FrozenRow, response: Response) -> Judged:
    """The verdict on one response."""
    return Judged(row, response, _outcome(row, response))


def _outcome(row: FrozenRow, response: Response) -> Outcome:
    if row.hands_over:
        return Outcome.RIGHT if response.hands_over else Outcome.WRONG
    if response.hands_over:
        return Outcome.HANDED_OVER
    right = says_the_same(response.text, row.answer)
    return Outcome.RIGHT if right else Outcome.WRONG


def says_the_same(text: str, standard: str) -> bool:
    """The rule above, for two texts."""
    said, wanted = normalized(text), normalized(standard)
    if said == wanted or not wanted:
        return said == wanted
    if (place := _whole(wanted, said)) is not None:
        rest = f"{said[:place]} {said[place + len(wanted) :]}"
        return set(_NUMBER.findall(rest)) <= set(_NUMBER.findall(wanted))
    if SequenceMatcher(None, said, wanted, autojunk=False).ratio() < ALIKE:
        return False
    return _NUMBER.findall(said) == _NUMBER.findall(wanted) and _means_the_same(text, standard)


def _whole(wanted: str, said: str) -> int | None:
    """Where ``wanted`` stands in ``said`` as whole words: "yes" is not in "yesterday"."""
    place = said.find(wanted)
    while place >= 0:
        around = said[:place][-1:] + wanted[0], wanted[-1] + said[place + len(wanted) :][:1]
        if not any(_is_inside_a_word(pair) for pair in around):
            return place
        place = said.find(wanted, place + 1)
    return None


def _is_inside_a_word(pair: str) -> bool:
    return len(pair) == 2 and all(each.isascii() and each.isalnum() for each in pair)


def _means_the_same(text: str, standard: str) -> bool:
    said, wanted = signature(text), signature(standard)
    return said.quantities == wanted.quantities and said.negations == wanted.negations

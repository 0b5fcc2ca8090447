"""What a model that names numbers may say, weighed with how near each approved question is.

A small model and the index err on different questions. The index knows how near every answer is
among all others, the model reads the few that are near: their evidence is added, as logarithms of
probabilities are.
"""

from collections.abc import Sequence

from chat.inference.engine import Choice
from chat.knowledge.index import Candidate
from chat.prompts import NOBODY

RANK_WEIGHT = 8.0
"""What one unit of an answer's rank counts beside the model's log-probability.
Measured on held-out wordings, see docs/experiments.md."""


def choices(near: Sequence[Candidate]) -> tuple[Choice, ...]:
    """The numbers of ``near``, nearest first, and the one that hands over."""
    best = near[0].rank if near else 0.0
    numbers = [
        Choice(str(number), RANK_WEIGHT * (each.rank - best)) for number, each in enumerate(near, 1)
    ]
    return (*numbers, Choice(NOBODY))

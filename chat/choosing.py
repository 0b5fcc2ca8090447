"""What a model that names approved answers may name, weighed with how near each of them is.

A small model and the index err on different questions. The index knows how near every answer is
among all others, the model reads the few that are near: their evidence is added, as logarithms of
probabilities are.
"""

import math
from collections.abc import Sequence

from chat.inference.engine import Choice
from chat.knowledge.index import Candidate
from chat.prompts import NOBODY, READ, Style

RANK_WEIGHT = 8.0
"""What one unit of an answer's rank counts beside the model's log-probability.
Measured on held-out wordings, see docs/experiments.md."""
LIKELIHOOD_WEIGHT = 0.25
"""What the log-probability of a customer's whole question counts: its tokens depend on each other,
so their sum says too much. Measured there, too."""

REACH = 0.3
"""How far behind the nearest an answer's rank may be to be read: the likelihood of none that is
farther made up for it, so reading it only takes time. Measured there, too."""


def choices(near: Sequence[Candidate], style: Style = "number") -> tuple[Choice, ...]:
    """The numbers of ``near``, nearest first. A model of the style ``number`` may also name the one
    that hands over, and one of ``questions`` reads the few that come close; words are no choices."""
    if style == "words":
        return ()
    best = near[0].rank if near else 0.0
    if style == "questions":
        near = [each for each in near[:READ] if best - each.rank <= REACH]
    numbers = [
        Choice(str(number), RANK_WEIGHT * (each.rank - best)) for number, each in enumerate(near, 1)
    ]
    return tuple(numbers) if style == "questions" else (*numbers, Choice(NOBODY))


def likeliest(choices: Sequence[Choice], likelihoods: Sequence[float]) -> tuple[str, float]:
    """The text of the best of ``choices``, and the natural log-probability that it is among them.

    ``likelihoods`` are how likely the customer's question is where each choice is right, as natural
    logarithms. There is at least one.
    """
    weighed = [
        LIKELIHOOD_WEIGHT * likelihood + choice.bias
        for choice, likelihood in zip(choices, likelihoods, strict=True)
    ]
    best = max(weighed)
    share = -math.log(sum(math.exp(each - best) for each in weighed))
    return choices[weighed.index(best)].text, share

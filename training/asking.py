"""What a model of the style ``questions`` learns: what customers ask who need an approved answer.

To name the number of an answer, a small model needs hardly more than the order in which the search
found them, and does not read. So this turns it round: it learns to write the questions of each
answer, as lists. In service that answer is taken after whose questions the customer's is likeliest.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from chat import prompts
from chat.knowledge.questions import normalized
from training.trainer.examples import Prepared

LINES = 12
"""Questions in one list, at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An approved answer, and the wordings of the question that it answers."""

    answer: str
    locale: str
    wordings: tuple[str, ...]


def learnable(asked: Asked, held_out: Collection[str]) -> Asked:
    """The same without the wordings whose normalised text is among ``held_out``; those that are
    the same but for spelling stand once, as they were first."""
    seen = set(held_out)
    kept: list[str] = []
    for wording in asked.wordings:
        key = normalized(wording)
        if key and key not in seen:
            seen.add(key)
            kept.append(wording)
    return replace(asked, wordings=tuple(kept))


def lists(
    asked: Sequence[Asked], *, most: int, seed: int, new: Collection[str] = ()
) -> list[Prepared]:
    """The lists to learn from, in the order of ``seed``; an answer without wordings has none.

    At most ``most`` of them, 0 takes all; every answer has one before any has two. Wordings whose
    normalised text is among ``new`` stand in lists of their own, and none of those is left out.
    """
    draw = random.Random(seed)  # noqa: S311 - an order that can be repeated, no secret
    first = _in_turn([_only(each, new, is_new=True) for each in asked], draw)
    rest = _in_turn([_only(each, new, is_new=False) for each in asked], draw)
    picked = first + (rest[: max(0, most - len(first))] if most else rest)
    draw.shuffle(picked)
    return picked


def _only(asked: Asked, new: Collection[str], *, is_new: bool) -> Asked:
    wordings = (each for each in asked.wordings if (normalized(each) in new) is is_new)
    return replace(asked, wordings=tuple(wordings))


def _in_turn(asked: Sequence[Asked], draw: random.Random) -> list[Prepared]:
    """A list of every answer, then a second one of those that have two, and so on."""
    parts = [(each, _parts(each.wordings, draw)) for each in asked]
    picked: list[Prepared] = []
    for place in range(max((len(some) for _, some in parts), default=0)):
        there = [_list(each, some[place]) for each, some in parts if place < len(some)]
        draw.shuffle(there)
        picked += there
    return picked


def ending_with(question: str, asked: Asked, draw: random.Random) -> Prepared:
    """A list as serving looks at one: some wordings, and last what a customer asks."""
    count = min(prompts.LISTED, len(asked.wordings))
    return _list(asked, [*draw.sample(asked.wordings, count), question])


def _list(asked: Asked, wordings: Sequence[str]) -> Prepared:
    # The last line ends as well: serving asks how likely a question and its end are.
    return Prepared(tuple(prompts.asking(asked.answer, asked.locale)), prompts.lines(wordings))


def _parts(wordings: Sequence[str], draw: random.Random) -> list[list[str]]:
    """As few as :data:`LINES` allows, of about equal size."""
    shuffled = draw.sample(wordings, len(wordings))
    count = -(-len(shuffled) // LINES)
    return [shuffled[part::count] for part in range(count)]

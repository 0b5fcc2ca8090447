"""Which texts are nearly the same: every pair above a likeness is found, none is guessed.

Likeness is the Jaccard index of the sets of character n-grams: of three in words of letters, of
two where Han characters stand. The rare n-grams of a text come first, and two texts that are
alike enough share one of the first few of them (prefix filtering, as in PPJoin): so few pairs
are looked at, and 20,000 questions take seconds.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chat.knowledge.questions import normalized

NEARLY_THE_SAME = 0.75

_HAN = re.compile("[\u3400-\u9fff]")
# What masking or a template put there is no wording.
_PLACEHOLDER = re.compile(r"\[[A-Z_]+_[0-9]+\]|\{\{[^{}]*\}\}")


class Pair(NamedTuple):
    """Places of two texts, and how alike they are."""

    first: int
    second: int
    likeness: float


def pairs(texts: Sequence[str], least: float = NEARLY_THE_SAME) -> Iterator[Pair]:
    """All pairs of texts that are at least so alike, each once, the later text's place last."""
    sets = [grams(each) for each in texts]
    counts = Counter(gram for each in sets for gram in each)
    holders: dict[str, list[int]] = defaultdict(list)
    sizes = [len(each) for each in sets]
    for place, mine in enumerate(sets):
        size = sizes[place]
        rare_first = sorted(mine, key=lambda gram: (counts[gram], gram))
        prefix = rare_first[: size - math.ceil(least * size) + 1]
        near = {
            other
            for gram in prefix
            for other in holders[gram]
            if least * size <= sizes[other] <= size / least
        }
        for other in sorted(near):
            shared = len(mine & sets[other])
            likeness = shared / (size + sizes[other] - shared)
            if likeness >= least:
                yield Pair(other, place, likeness)
        for gram in prefix:
            holders[gram].append(place)


def clusters(texts: Sequence[str], least: float = NEARLY_THE_SAME) -> list[int]:
    """For each text the place of the first one of its cluster: texts that are alike, directly or
    over others, are in one."""
    first = list(range(len(texts)))

    def root(place: int) -> int:
        while first[place] != place:
            first[place] = first[first[place]]
            place = first[place]
        return place

    for pair in pairs(texts, least):
        one, other = sorted((root(pair.first), root(pair.second)))
        first[other] = one
    return [root(place) for place in range(len(texts))]


def grams(text: str) -> frozenset[str]:
    """The n-grams of what was meant to be compared; a text too short for one is one itself."""
    key = normalized(_PLACEHOLDER.sub(" ", text)) or text.strip()
    size = 2 if _HAN.search(key) else 3
    return frozenset(key[place : place + size] for place in range(max(1, len(key) - size + 1)))

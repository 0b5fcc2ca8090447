"""Questions that were asked in other words, counted as one. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from chat.knowledge.questions import normalized


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as most people typed it, how often it was asked, and what came of it how often."""

    key: str
    question: str
    count: int
    how: str
    bot: int


@dataclass(slots=True)
class _Group:
    wordings: Counter[str] = field(default_factory=Counter)
    hows: Counter[str] = field(default_factory=Counter)


def grouped(rows: Iterable[tuple[int, str, str, int]], most: int) -> tuple[Asked, ...]:
    """From rows of bot, text, what came of it, and how often: the ``most`` asked most.

    What is nothing but punctuation is no question.
    """
    groups: dict[tuple[int, str], _Group] = {}
    for bot, text, how, count in rows:
        if key := normalized(text):
            group = groups.setdefault((bot, key), _Group())
            group.wordings[text] += count
            group.hows[how] += count
    ordered = sorted(groups.items(), key=lambda each: (-each[1].wordings.total(), each[0]))
    return tuple(
        Asked(
            key=key,
            question=group.wordings.most_common(1)[0][0],
            count=group.wordings.total(),
            how=group.hows.most_common(1)[0][0],
            bot=bot,
        )
        for (bot, key), group in ordered[:most]
    )

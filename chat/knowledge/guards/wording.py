"""Two questions in nearly the same words: what little differs is what they are about.

People who ask the same thing choose other words, so a small difference in a wording that is else
the same is the message. In a free rewording only actions are compared.
"""

from collections import Counter
from collections.abc import Sequence

from chat.knowledge.guards.reading import NOT, Signature

# Shares of words (characters, in Chinese) in common from which a difference is the message.
SUBSTITUTED = 0.4
EXTRA = 0.5
EXTRA_HAN = 0.65
REORDERED = 0.6
REORDERED_HAN = 0.75
_DIRECTION_WORDS = """
to from for by with into until in out up off as than 给 从 到 被 把 向 对 比 替 由
"""
_DIRECTIONS = frozenset(_DIRECTION_WORDS.split())
_PERSONS = frozenset(["<i>", "<you>", "<they>"])


def difference(asked: Signature, known: Signature) -> str:
    """'word', 'extra', 'order', 'direction', 'action' or ''."""
    mine, theirs = Counter(asked.words), Counter(known.words)
    alike = _share(asked.surface, known.surface)
    han = any(each >= "\u3400" for each in asked.surface + known.surface)
    if mine - theirs and theirs - mine and alike >= SUBSTITUTED:
        return "word"
    if mine != theirs and alike >= (EXTRA_HAN if han else EXTRA):
        return "extra"
    # "He pays me" and "I pay him" share few forms.
    of_persons = len(_PERSONS & set(asked.placed) & set(known.placed)) > 1
    if (of_persons or alike >= (REORDERED_HAN if han else REORDERED)) and _reordered(asked, known):
        return "order"
    if alike >= REORDERED and _redirected(asked, known):
        return "direction"
    return "action" if _other_action(asked, known) else ""


def _share(mine: Sequence[str], theirs: Sequence[str]) -> float:
    total = len(mine) + len(theirs)
    return 2 * (Counter(mine) & Counter(theirs)).total() / total if total else 0.0


def _reordered(asked: Signature, known: Signature) -> bool:
    """Whether things and persons stand in another order. What is done to them may stand anywhere."""
    movable = (asked.movable | known.movable) - {NOT}
    common = (set(asked.placed) & set(known.placed)) - movable
    mine = [word for word in asked.placed if word in common]
    theirs = [word for word in known.placed if word in common]
    if len(mine) != len(theirs):
        mine, theirs = list(dict.fromkeys(mine)), list(dict.fromkeys(theirs))
    return mine != theirs


def _redirected(asked: Signature, known: Signature) -> bool:
    """Whether one says "to" where the other says "from"."""
    mine, theirs = (
        Counter(each for each in side.surface if each in _DIRECTIONS) for side in (asked, known)
    )
    return bool(mine - theirs) and bool(theirs - mine)


def _other_action(asked: Signature, known: Signature) -> bool:
    mine = {(each.line, each.place) for each in asked.members if each.moves}
    theirs = {(each.line, each.place) for each in known.members if each.moves}
    return bool(mine and theirs) and not mine & theirs

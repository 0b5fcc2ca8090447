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


def difference(asked: Signature, known: Signature) -> str:
    """'word', 'extra', 'order', 'action' or ''."""
    mine, theirs = Counter(asked.words), Counter(known.words)
    alike = _share(asked.surface, known.surface)
    han = any(each >= "\u3400" for each in asked.surface + known.surface)
    if mine - theirs and theirs - mine and alike >= SUBSTITUTED:
        return "word"
    if mine != theirs and alike >= (EXTRA_HAN if han else EXTRA):
        return "extra"
    if alike >= (REORDERED_HAN if han else REORDERED) and _reordered(asked, known):
        return "order"
    return "action" if _other_action(asked, known) else ""


def _share(mine: Sequence[str], theirs: Sequence[str]) -> float:
    total = len(mine) + len(theirs)
    return 2 * (Counter(mine) & Counter(theirs)).total() / total if total else 0.0


def _reordered(asked: Signature, known: Signature) -> bool:
    """Whether things and persons stand in another order. What is done to them may stand anywhere."""
    common = set(asked.placed) & set(known.placed) - asked.movable - known.movable - {NOT}
    return [word for word in asked.placed if word in common] != [
        word for word in known.placed if word in common
    ]


def _other_action(asked: Signature, known: Signature) -> bool:
    mine = {(each.line, each.place) for each in asked.members if each.moves}
    theirs = {(each.line, each.place) for each in known.members if each.moves}
    return bool(mine and theirs) and not mine & theirs

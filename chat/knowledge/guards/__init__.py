"""Whether a question that looks like an approved one may really be that question.

Embeddings put "can I cancel" beside "can I not cancel". The guards compare what embeddings are
blind to. A refusal costs a fast answer, a wrong pass serves a wrong one: in doubt they refuse.
"""

from collections.abc import Collection

from chat.knowledge.guards.reading import Signature, signature
from chat.knowledge.guards.wording import difference
from moderation.normalization import folded

__all__ = ["disagreement", "signature"]


def disagreement(asked: str, known: str, names: Collection[str] = ()) -> str:
    """Why the two may not be the same question, or '' when nothing speaks against it.

    'number', 'date', 'amount', 'unit', 'id', 'name', 'negation', 'polarity', 'scope', 'question',
    'extra', 'word', 'order', 'direction' or 'action'. Symmetric, total. `names`: product names of the bot.
    """
    if asked == known:
        return ""
    mine, theirs = signature(asked), signature(known)
    return (
        _quantities(mine, theirs)
        or _products(asked, known, names)
        or _names(mine, theirs)
        or _negation(mine, theirs)
        or _classes(mine, theirs)
        or difference(mine, theirs)
    )


def _quantities(mine: Signature, theirs: Signature) -> str:
    if mine.quantities == theirs.quantities:
        return ""
    # "a cup" may be "one cup".
    ones = [
        [each for each in side.quantities if each != ("number", "", "1")] for side in (mine, theirs)
    ]
    if ones[0] == ones[1] and not ones[0]:
        return ""
    differing = set(mine.quantities) ^ set(theirs.quantities)
    return min(differing).reason if differing else "number"


def _products(asked: str, known: str, names: Collection[str]) -> str:
    if not names:
        return ""
    mine, theirs = folded(asked).text, folded(known).text
    named = (folded(name).text.strip() for name in names)
    return "name" if any((name in mine) != (name in theirs) for name in named if name) else ""


def _names(mine: Signature, theirs: Signature) -> str:
    return "" if mine.names <= theirs.raw and theirs.names <= mine.raw else "name"


def _negation(mine: Signature, theirs: Signature) -> str:
    """A failure may be told with or without a no: "declined", "did not go through"."""
    if bool(mine.negations) == bool(theirs.negations):
        return ""
    positive, negative = sorted((mine, theirs), key=lambda side: side.negations)
    return "" if positive.failed and not negative.failed else "negation"


def _classes(mine: Signature, theirs: Signature) -> str:
    """Members of one class that only one side names."""
    lines: dict[int, tuple[set[int], set[int]]] = {}
    reasons: dict[int, tuple[str, bool]] = {}
    for side, members in enumerate((mine.members, theirs.members)):
        for member in members:
            lines.setdefault(member.line, (set(), set()))[side].add(member.place)
            reasons[member.line] = (member.reason, member.alone)
    found = [
        reasons[line][0]
        for line, (ours, others) in lines.items()
        if ours != others and (reasons[line][1] or (ours and others))
    ]
    return min(found, default="")

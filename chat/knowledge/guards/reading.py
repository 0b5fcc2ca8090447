"""A question as the guards see it: words in canonical form, what is denied, what is counted, who is named."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from chat.knowledge.guards.lexicon import (
    FAILURES,
    FILLERS,
    LONGEST_HAN,
    LONGEST_PHRASE,
    MEMBERS,
    Member,
)
from chat.knowledge.guards.quantities import Quantity, replaced
from moderation.normalization import folded, plain

NOT = "<not>"
# The rest of a text longer than this is not what a customer's question is about.
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Signature:
    """What two texts must share. ``words`` are in order, without fillers, numbers as they count;
    ``placed`` also has who speaks, ``surface`` is each word or Chinese character as it is written.
    """

    words: tuple[str, ...]
    placed: tuple[str, ...]
    surface: tuple[str, ...]
    movable: frozenset[str]
    quantities: tuple[Quantity, ...]
    members: frozenset[Member]
    negations: int
    failed: bool
    names: frozenset[str]
    raw: frozenset[str]


_PIECE = re.compile(r"#[0-9]+#|[a-z]+(?:['-][a-z]+)*|[\u3400-\u9fff]+")
_SURFACE = re.compile("[a-z0-9'’]+|[\u3400-\u9fff]")
_PERSONS = {
    word: f"<{person}>"
    for person, words in (
        ("i", ("i", "me", "my", "mine", "we", "us", "our", "我", "我们")),
        ("you", ("you", "your", "yours", "你", "您", "你们")),
        ("they", ("he", "him", "his", "she", "her", "they", "them", "their", "他", "她", "他们")),
    )
    for word in words
}
_HAN = re.compile("[\u3400-\u9fff]")
# "Can't I …?" asks what "Can I …?" asks.
_NEGATIVE_QUESTION = re.compile(
    r"^\W*(ca|could|do|does|did|is|are|wo|would|have|has)n'?t (?=(?:i|we|you|it|there|he|she|they|the|my|your)\b)"
)
_CANNOT = re.compile(
    r"\b(ca|do|does|did|is|are|was|were|wo|would|should|could|has|have|had|need|must)n'?t\b"
)
_ENGLISH_NOT = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|nowhere|neither|nor|cannot|without|unable|hardly|instead of|rather than|lacks?|lacking)\b|-free\b"
)
_CONTRACTED = re.compile("(?<=[a-z])'(?:s|m|d|re|ve|ll)(?![a-z])")
_UN = re.compile(
    r"\b(?:un(?=available|suitable|supported|paid|used|usable|delivered|shipped|verified|known|willing|successful|reachable|readable|registered|finished)"
    r"|im(?=possible)|in(?=valid|active|complete|accessible|compatible|eligible|sufficient)|ir(?=regular|reversible)|non-?(?=[a-z]{4})|dis(?=satisfied|allowed))"
)
# 能不能, 可不可以, 是不是 ask; so does 不 at the end.
_A_NOT_A = re.compile("([\u3400-\u9fff]{1,2})[不没]\\1")
_OR_NOT = re.compile("(?<=[能可是])否|(?:有没有|没有|不|没|否)(?=$|[?!。,~ ]+$)")
_HAN_NOTHING = re.compile(
    "不好意思|不过|差不多|不错|不仅|不但|不只|不管|不论|无论|不断|不久|不然|要不|对不起|不妨|不愧|没准|没事|没问题|不客气"
    "|分别|特别|区别|级别|性别|类别|个别|识别|鉴别|告别|别的|别人|非常|是非|未来|无线|无人机|无障碍|不锈钢|不动产|不便之处"
)
_TWICE_NOT = re.compile("(?:不是|不|没有?|无|非)(?:不|没)(?!同)|不得不|不可不")
_HAN_NOT = re.compile("没有|没能|不是|无法|[不没无未别勿甭毋]|(?<=[是会可])非")


@functools.lru_cache(maxsize=65536)
def signature(text: str) -> Signature:
    """What the guards compare of a text."""
    text = text[:_LONGEST]
    form, quantities = replaced(
        _without_negation(folded(text).text.replace("’", "'").replace("#", " "))
    )
    words: list[str] = []
    placed: list[str] = []
    members: list[Member] = []
    movable = set()
    failed = False
    for word, member in _words(form):
        if word == NOT:
            placed.append(NOT)
        failed = failed or word in FAILURES
        if member is not None:
            members.append(member)
        if word.startswith("#"):
            quantity = quantities[int(word.strip("#"))]
            words.append(" ".join(quantity))
            placed.append(words[-1])
            continue
        if word in _PERSONS:
            placed.append(_PERSONS[word])
            continue
        if member is None and (word in FILLERS or _stem(word) in FILLERS):
            continue
        token = f"{member.line}.{member.place}" if member else _stem(word)
        if member is not None and (member.moves or member.reason == "question"):
            movable.add(token)
        words.append(token)
        if token != NOT:
            placed.append(token)
    kept = _without_double(words)
    names = _names(text)
    return Signature(
        words=tuple(kept),
        placed=tuple(placed),
        surface=tuple(_SURFACE.findall(folded(text).text)),
        movable=frozenset(movable | {NOT}),
        quantities=tuple(sorted(quantities)),
        members=frozenset(members),
        negations=kept.count(NOT),
        failed=failed,
        names=names,
        raw=names | frozenset(words) | frozenset(re.findall("[a-z0-9]+", folded(text).text)),
    )


def _without_negation(text: str) -> str:
    """Each way to say no as one word of its own (``xnotx``), questions in A-not-A form without it."""
    text = _NEGATIVE_QUESTION.sub(r"\1 ", text)
    text = _CONTRACTED.sub(" ", text)
    text = _CANNOT.sub(r"\1 xnotx ", text)
    text = re.sub(r"\bno\b(?=[. ]*[0-9])", "number", text)
    text = _ENGLISH_NOT.sub(" xnotx ", text)
    text = _UN.sub(" xnotx ", text)
    text = _A_NOT_A.sub(r"\1", text)
    text = _OR_NOT.sub(" ", text)
    return _HAN_NOTHING.sub(" ", text)


def _words(form: str) -> Iterator[tuple[str, Member | None]]:
    pieces = _PIECE.findall(form)
    index = 0
    while index < len(pieces):
        if _HAN.match(pieces[index]):
            yield from _han_words(pieces[index])
            index += 1
            continue
        for width in range(min(LONGEST_PHRASE, len(pieces) - index), 0, -1):
            phrase = " ".join(pieces[index : index + width])
            member = MEMBERS.get(phrase) or MEMBERS.get(_stems(phrase))
            if member is not None or phrase in FILLERS or width == 1:
                yield (NOT if phrase == "xnotx" else phrase), member
                index += width
                break


def _han_words(run: str) -> Iterator[tuple[str, Member | None]]:
    index = 0
    while index < len(run):
        word = run[index]
        for width in range(min(LONGEST_HAN, len(run) - index), 0, -1):
            word = run[index : index + width]
            member = MEMBERS.get(word)
            if member is not None or word in FILLERS:
                yield word, member
                break
            if _TWICE_NOT.fullmatch(word):
                break
            if _HAN_NOT.fullmatch(word):
                yield NOT, None
                break
            if width == 1:
                yield word, None
        index += len(word)


def _without_double(words: list[str]) -> list[str]:
    kept: list[str] = []
    for word in words:
        if word == NOT and kept and kept[-1] == NOT:
            kept.pop()
        else:
            kept.append(word)
    return kept


@functools.lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    if not word.isascii() or len(word) < 4 or word == NOT:
        return word
    word = word.removesuffix("'s")
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "ls":
                word = word[:-1]
            break
    return word.removesuffix("e") if len(word) > 3 else word


@functools.lru_cache(maxsize=65536)
def _stems(phrase: str) -> str:
    return " ".join(map(_stem, phrase.split(" ")))


_CAPITALISED = re.compile(
    r"(?<![.?!:] )(?<=[\w,;] )([A-Z][A-Za-z]{2,}(?:-[A-Z][a-z]+)*)|\b([A-Z]{2,5})\b"
)
_LATIN = re.compile(r"[A-Za-z]{2,}")
_GENERAL_NAMES = """
app wifi wi-fi email e-mail ok vip id pin sms url faq atm sim pdf vpn usb tv pc the and for
"""
_GENERAL = frozenset(_GENERAL_NAMES.split())


def _names(text: str) -> frozenset[str]:
    """Capitalised words inside a sentence; in Chinese, all Latin words."""
    view = plain(text).text
    if _HAN.search(view):
        found = [match[0] for match in _LATIN.finditer(view)]
    elif view.isupper() or view.istitle():
        found = []
    else:
        found = [match[1] or match[2] for match in _CAPITALISED.finditer(view)]
    names = {folded(name).text for name in found}
    return frozenset(
        name
        for name in names
        if name not in _GENERAL and name not in FILLERS and name not in MEMBERS
    )

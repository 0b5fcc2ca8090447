"""Questions as keys: what two customers must have typed to have asked the same."""

import re
import unicodedata

from moderation.normalization import folded

# Signs that mean something: C++, 5 %, 10 €, @home.
_MEANINGFUL = frozenset("+%&@#°$€£¥‰×÷=<>~^|")
_BETWEEN_DIGITS = frozenset(".,-:/")
_SPACES = re.compile(r"\s+")
_BESIDE_HAN = re.compile(r"(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])")

_LEANING_EN = re.compile(
    r"(?:and|or|but|so|then|also|again|why|why not|really|ok|okay|yes|no|sure|what about|how about|what if)\b"
    r"|.*\b(?:it|its|that|this|these|those|they|them|their|he|she|him|her|ones?|there|same|above|instead|else"
    r"|earlier|you said|you mean)\b",
    re.DOTALL,
)
_LEANING_ZH = re.compile(
    r"(?:那|那么|还有|然后|所以|为什么$|为啥$|另外|好的|是的|不是|对了|如果是)"
    r"|.*(?:它|他|她|这个|那个|这款|那款|这样|那样|这些|那些|刚才|刚刚|上面|前面|同样|一样|你说|您说)|.{0,12}呢$",
    re.DOTALL,
)
_SHORTEST = 2


def normalized(question: str) -> str:
    """What is compared for an exact match: no case, accents, punctuation or variants.

    Idempotent. Signs that change a meaning stay, and so do those between digits.
    """
    text = folded(question).text
    kept = [
        character if _counts(text, index) else " " if _separates(character) else ""
        for index, character in enumerate(text)
    ]
    return _BESIDE_HAN.sub("", _SPACES.sub(" ", "".join(kept)).strip())


def as_typed(question: str) -> str:
    """The question with nothing taken out of it but case and what stands around: for a key under
    which a *model's* answer may be kept.

    What :func:`normalized` drops or replaces, invisible characters and look-alikes, a model may
    read: with such a key one customer could have it say something to the next.
    """
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", question).casefold())
    return text.strip(" ?!.,;:？！。，；：…~")


def leans_on_context(question: str) -> bool:
    """Whether a question may be about what was said before it.

    Such a question, after the first turn, is never served from what others asked.
    """
    key = normalized(question)
    return (
        len(key) < _SHORTEST
        or _LEANING_EN.match(key) is not None
        or _LEANING_ZH.match(key) is not None
    )


def _counts(text: str, index: int) -> bool:
    character = text[index]
    if character.isalnum() or character in _MEANINGFUL:
        return True
    if character in _BETWEEN_DIGITS:
        return text[index - 1 : index].isdigit() and text[index + 1 : index + 2].isdigit()
    # Emoji and other symbols say something; punctuation and spaces are habits.
    return unicodedata.category(character)[0] in "SM" and not character.isspace()


def _separates(character: str) -> bool:
    """Words stay apart where a space, dash or sign stood; an apostrophe joins."""
    return character not in "'’`\"“”‘"


_HAN = re.compile("[\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[a-z]{2,}", re.IGNORECASE)
_ENOUGH_WORDS = 3


def language(question: str, default: str) -> str:
    """The language a question is written in; ``default`` when it is too short to tell."""
    if _HAN.search(question):
        return "zh-hans"
    if len(_LATIN_WORD.findall(question)) >= _ENOUGH_WORDS:
        return "en"
    return default

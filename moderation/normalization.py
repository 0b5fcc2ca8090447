"""Two normal forms of a text, each with a map back to the original, character by character.

Every character is normalised by itself, so a form is one table look-up per character, it is
idempotent, and each character of the form comes from exactly one character of the original.

- :func:`plain`: compatibility forms (full width, styled letters), every way to write a digit,
  nothing invisible. Case and punctuation stay. Personal data is found in it.
- :func:`folded`: the plain form without case, accents, look-alikes from other alphabets,
  traditional characters or Chinese numerals. Words are found in it.
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# Letters of other alphabets that look like a Latin one, each before the letter it resembles.
_LOOKALIKES = (
    "аa еe оo рp сc уy хx іi јj ѕs ԁd һh ԛq ԝw кk мm тt вb нh гr пn ьb зz ӏl үy ѵv "  # Cyrillic
    "αa ιi οo ρp τt υu νv κk χx εe ηn βb ωw σo γy "  # Greek
    "օo ցg սu հh զq ոn ռn ґr ѡw ɑa ɡg ɩi"
)
HOMOGLYPHS = {pair[0]: pair[-1] for pair in _LOOKALIKES.split()}

# Chinese numerals, ordinary and financial. 两 counts things and is no digit.
_NUMERALS = "〇0 零0 一1 二2 三3 四4 五5 六6 七7 八8 九9 幺1 壹1 贰2 叁3 肆4 伍5 陆6 柒7 捌8 玖9"
NUMERALS = {pair[0]: pair[-1] for pair in _NUMERALS.split()}

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KEYCAP = 0x20E3
_ACCENTED_SCRIPTS = ("GREEK", "CYRILLIC")
# Whatever Unicode calls a styled or accented form of one Latin letter.
_LATIN_NAME = re.compile(
    r"(?:.*LATIN|REGIONAL INDICATOR SYMBOL).* LETTER (?:SMALL CAPITAL )?([A-Z])(?: WITH .*)?"
)
_BRACKETED = re.compile(r"\((\w)\)")


@dataclass(frozen=True, slots=True)
class View:
    """A normal form of ``original``.

    ``starts[i]`` and ``ends[i]`` are the span of the original that became ``text[i]``; what
    was dropped after a character belongs to it, so that masking leaves no remains.
    """

    original: str
    text: str
    _table: "_Table" = field(repr=False)
    _map: list[tuple[Sequence[int], Sequence[int]]] = field(default_factory=list, repr=False)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that ``text[start:end]`` (not empty) comes from."""
        starts, ends = self._offsets()
        return starts[start], ends[end - 1]

    def start(self, index: int) -> int:
        """Where ``text[index]`` begins in the original; its length for the end of the text."""
        starts, _ = self._offsets()
        return starts[index] if index < len(starts) else len(self.original)

    def _offsets(self) -> tuple[Sequence[int], Sequence[int]]:
        # Only texts in which something is found need it.
        if not self._map:
            self._map.append(self._computed())
        return self._map[0]

    def _computed(self) -> tuple[Sequence[int], Sequence[int]]:
        widths = list(map(len, map(self._table.__getitem__, map(ord, self.original))))
        if widths.count(1) == len(widths):
            return range(len(widths)), range(1, len(widths) + 1)
        starts: list[int] = []
        ends: list[int] = []
        for index, width in enumerate(widths):
            if width:
                starts += [index] * width
                ends += [index + 1] * width
            elif ends:
                # All characters that came from the same original one reach as far.
                begun = starts[-1]
                position = len(ends) - 1
                while position >= 0 and starts[position] == begun:
                    ends[position] = index + 1
                    position -= 1
        return starts, ends


def plain(text: str) -> View:
    """The form in which personal data is found."""
    return View(text, text.translate(_PLAIN), _PLAIN)


def folded(text: str) -> View:
    """The form in which words are found."""
    return View(text, text.translate(_FOLDED), _FOLDED)


class _Table(dict[int, str]):
    """A translation table that computes a character when it is first met."""

    def __init__(self, compute: Callable[[str], str]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, codepoint: int) -> str:
        self[codepoint] = result = self._compute(chr(codepoint))
        return result


def _plain(character: str) -> str:
    """One character's compatibility form; nothing for what nobody sees."""
    if character in "\n\t":
        return character
    category = unicodedata.category(character)
    if category == "Cs":
        # Half of a character. No library in another language takes it.
        return "\ufffd"
    if category in ("Cc", "Cf", "Mn", "Me") and _is_invisible(character, category):
        return ""
    if (digit := unicodedata.digit(character, None)) is not None:
        return str(digit)
    form = unicodedata.normalize("NFKC", character)
    if bracketed := _BRACKETED.fullmatch(form):
        form = bracketed[1]
    if form == character:
        return "" if category == "Cf" else " " if category.startswith("Z") else character
    return "".join(_plain(each) for each in form)


def _is_invisible(character: str, category: str) -> bool:
    """Controls, joiners, direction marks, variation selectors, keycaps, tags."""
    codepoint = ord(character)
    return (
        category in ("Cc", "Cf")
        or codepoint == _KEYCAP
        or 0xFE00 <= codepoint <= 0xFE0F
        or 0xE0100 <= codepoint <= 0xE01EF
        or codepoint in (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164)
    )


def _folded(character: str) -> str:
    return "".join(_fold(each) for each in _plain(character))


def _fold(character: str) -> str:
    """One character of the plain form, without what writers vary."""
    character = character.casefold() if len(character.casefold()) == 1 else character
    if (base := HOMOGLYPHS.get(character)) is not None:
        return base
    if (numeral := NUMERALS.get(character)) is not None:
        return numeral
    if unicodedata.combining(character) and unicodedata.category(character) == "Mn":
        return ""
    name = unicodedata.name(character, "")
    if latin := _LATIN_NAME.fullmatch(name):
        return latin[1].lower()
    if name.startswith(_ACCENTED_SCRIPTS):
        base = unicodedata.normalize("NFD", character)[0]
        return base if base == character else _fold(base)
    if _HAN.fullmatch(character):
        simple = _simplified(character)
        return NUMERALS.get(simple) or simple
    return character


@functools.cache
def _converter() -> Callable[[str], str]:
    import opencc

    return opencc.OpenCC("t2s").convert


def _simplified(character: str) -> str:
    """The simplified character; phrases are not looked at, so lengths never change."""
    simple = _converter()(character)
    if len(simple) != 1 or simple == character:
        return character
    return _simplified(simple)


_PLAIN = _Table(_plain)
_FOLDED = _Table(_folded)

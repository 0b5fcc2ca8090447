"""Digits as people write and disguise them."""

import regex

from moderation.normalization import NUMERALS

# One digit: also a Chinese numeral, or a letter that looks like one.
_NUMERALS = "〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
DIGIT = rf"[0-9OolI{_NUMERALS}]"
# What may stand between two digits of one number; a full stop and a space end a sentence.
GAP = r"(?:\.|[ \-–—·•*_~]{1,3})?\n?"
HAS_DIGIT = regex.compile(rf"[0-9{_NUMERALS}]")
# No number begins or ends within a word or a longer number. Beside an Arabic digit a Chinese
# numeral is a word of its own (拨打13812345678一下).
START = rf"(?<![0-9A-Za-z])(?<![0-9][.\-])(?:(?=[0-9])|(?<![{_NUMERALS}]))"
END = rf"(?![0-9A-Za-z])(?![.\-][0-9])(?:(?<=[0-9])|(?![{_NUMERALS}]))"

_LIKE = {ord("O"): "0", ord("o"): "0", ord("l"): "1", ord("I"): "1"}
_VALUES = {ord(numeral): digit for numeral, digit in NUMERALS.items()} | _LIKE


def digits_of(text: str) -> str:
    """The digits in ``text``, disguised ones too; everything else is left out."""
    return "".join(each for each in text.translate(_VALUES) if "0" <= each <= "9")


def lookalikes(text: str) -> int:
    """How many letters in ``text`` stand for digits."""
    return sum(ord(each) in _LIKE for each in text)

"""Phone numbers of mainland China."""

import regex

from moderation.recognizers import context
from moderation.recognizers.base import PatternRecognizer
from moderation.recognizers.digits import DIGIT, END, GAP, HAS_DIGIT, START, digits_of, lookalikes

_COUNTRY = rf"(?:(?:\((?:\+|00)?86\)|(?:(?:\+|00){GAP})?86){GAP})?"
_HEAD = rf"[1一幺壹lI]{GAP}[3-9三四五六七八九叁肆伍陆柒捌玖]{GAP}{DIGIT}"
_MOST_LOOKALIKES = 3
# The address of a machine may have eleven digits, too.
_QUAD = regex.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")


def _mobile(match: "regex.Match[str]") -> str | None:
    number = digits_of(match[0])[-11:]
    if not regex.fullmatch(r"1[3-9][0-9]{9}", number) or lookalikes(match[0]) > _MOST_LOOKALIKES:
        return None
    foreign = context.before(match).rstrip().endswith("+")
    if foreign or _QUAD.fullmatch(match[0]) or context.is_order(match):
        return None
    return number


def _landline(match: "regex.Match[str]") -> str | None:
    if context.is_order(match):
        return None
    shaped = match["gap"] or match[0].startswith(("(", "（"))
    return digits_of(match[0]) if shaped or context.is_phone(match) else None


CN_MOBILE = PatternRecognizer(
    kind="phone",
    name="cn_mobile",
    pattern=regex.compile(rf"{START}{_COUNTRY}(?:\({_HEAD}\)|{_HEAD})(?:{GAP}{DIGIT}){{8}}{END}"),
    canonical=_mobile,
    needs=HAS_DIGIT,
)
CN_LANDLINE = PatternRecognizer(
    kind="phone",
    name="cn_landline",
    pattern=regex.compile(
        rf"{START}(?:\+?86[- ]?)?\(?0(?:10|2[0-9]|[3-9][0-9]{{2}})\)?(?P<gap>[- ]{{1,2}})?"
        rf"[2-8][0-9]{{2,3}}[- ]?[0-9]{{4}}(?:(?:[-转 ]|分机){{1,2}}[0-9]{{1,5}})?{END}"
    ),
    canonical=_landline,
    score=0.9,
    needs=HAS_DIGIT,
)

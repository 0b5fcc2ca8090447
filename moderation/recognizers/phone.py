"""Phone numbers of all countries, by the library of Android (``phonenumbers``)."""

import regex

from moderation.recognizers import context
from moderation.recognizers.base import PatternRecognizer
from moderation.recognizers.digits import HAS_DIGIT, digits_of

_EXTENSION = r"(?:\s?(?:x|ext\.?|extension|#)\s?[0-9]{1,6})?"
_START = r"(?<![0-9A-Za-z+])(?<![0-9][.\-])"
_END = r"(?![0-9A-Za-z])(?![.\-][0-9])"
# Dates and addresses of machines are written with the same signs.
_OTHER = regex.compile(
    r"(?:19|20)[0-9]{2}[\-. /](?:0?[1-9]|1[0-2])[\-. /][0-9]{1,2}|[0-9]{1,2}[\-. /][0-9]{1,2}[\-. /](?:19|20)[0-9]{2}"
    r"|(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
)
_SERVICE = regex.compile(r"1?[48]00[0-9]{7}")


def _with_country(match: "regex.Match[str]") -> str | None:
    import phonenumbers

    number = match["number"]
    digits = digits_of(number)
    digits = digits[2:] if number.startswith("00") else digits
    if not number.startswith("+") and context.is_order(match):
        return None
    try:
        parsed = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    return f"+{digits}" if phonenumbers.is_possible_number(parsed) else None


def _shaped(match: "regex.Match[str]") -> str | None:
    digits = digits_of(match[0])
    return None if context.is_order(match) or _SERVICE.fullmatch(digits) else digits


def _said(match: "regex.Match[str]") -> str | None:
    digits = digits_of(match[0])
    if not 7 <= len(digits) <= 15 or not context.is_phone(match):
        return None
    if _OTHER.fullmatch(match[0]) or _SERVICE.fullmatch(digits):
        return None
    return digits


WITH_COUNTRY = PatternRecognizer(
    kind="phone",
    name="phone_with_country",
    pattern=regex.compile(
        rf"{_START}(?P<number>(?:\+\s?|00\s?)[1-9](?:[ .\-()/]{{0,2}}[0-9]){{6,14}}){_EXTENSION}{_END}"
    ),
    canonical=_with_country,
    score=0.97,
    needs=HAS_DIGIT,
)
SHAPED = PatternRecognizer(
    kind="phone",
    name="phone_shaped",
    pattern=regex.compile(
        rf"{_START}(?:(?:\+?1|001)[ .\-]?)?(?:\([2-9][0-9]{{2}}\)[ .\-]?|[2-9][0-9]{{2}}(?P<gap>[.\- ]))"
        rf"[2-9][0-9]{{2}}[.\- ][0-9]{{4}}{_EXTENSION}{_END}"
        rf"|{_START}\(?0[1-9][0-9]{{0,3}}\)?[ \-/]{{1,2}}[0-9]{{3,4}}[ \-][0-9]{{3,4}}{_END}"
        rf"|{_START}0[1-9](?: [0-9]{{2}}){{4}}{_END}|{_START}07[0-9]{{3}} ?[0-9]{{3}} ?[0-9]{{3}}{_END}"
    ),
    canonical=_shaped,
    score=0.9,
    needs=HAS_DIGIT,
)
SAID = PatternRecognizer(
    kind="phone",
    name="phone_said",
    pattern=regex.compile(rf"{_START}\(?[0-9](?:[ .\-()/]{{0,2}}[0-9]){{6,14}}{_EXTENSION}{_END}"),
    canonical=_said,
    score=0.7,
    needs=HAS_DIGIT,
)

"""International bank account numbers (ISO 13616): the length of the country, and mod 97."""

from collections.abc import Iterator

import regex
from stdnum import iban

from moderation.normalization import View
from moderation.recognizers.base import Match
from moderation.recognizers.digits import START

_LENGTHS = {
    country: int(length)
    for country, length in regex.findall(
        r"([A-Z]{2})([0-9]{2})",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 "
        "DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 "
        "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 "
        "MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 "
        "SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 ",
    )
}
_OPENINGS = frozenset(_LENGTHS) | {country[0] for country in _LENGTHS}
_BEGIN = regex.compile(rf"{START}(?P<country>[A-Za-z]{{2}})[ \-]?[0-9]{{2}}")
_ONE = regex.compile(r"[ \-]?[A-Za-z0-9]")
_OPEN = regex.compile(rf"{START}[A-Za-z]{{2}}(?:[ \-]?[0-9]{{2}}(?:[ \-]?[A-Za-z0-9]){{0,28}})?")


class Iban:
    """Walks on from a country and its check digits to the country's length."""

    kind = "iban"
    name = "iban"

    def find(self, view: View) -> Iterator[Match]:
        done = 0
        for begin in _BEGIN.finditer(view.text):
            length = _LENGTHS.get(begin["country"].upper())
            if length is None or begin.start() < done:
                continue
            end = _walk(view.text, begin.end(), length - 4)
            if end is None or view.text[end : end + 1].isalnum():
                continue
            value = regex.sub(r"[ \-]", "", view.text[begin.start() : end]).upper()
            if iban.is_valid(value):
                done = end
                yield Match(begin.start(), end, value)

    def open_from(self, view: View) -> int:
        """An account number that has begun and is not complete."""
        length = len(view.text)
        for match in _OPEN.finditer(view.text, partial=True):
            is_open = match.partial or view.text[match.end() :] in ("", " ", "-")
            if is_open and view.text[match.start() : match.start() + 2].upper() in _OPENINGS:
                return int(match.start())
        return length


def _walk(text: str, position: int, count: int) -> int | None:
    """Where ``count`` more characters of the number end."""
    for _ in range(count):
        if (match := _ONE.match(text, position)) is None:
            return None
        position = match.end()
    return position


IBAN = Iban()

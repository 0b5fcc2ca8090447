"""US social security numbers, but for those that were never given out."""

import regex

from moderation.recognizers import context
from moderation.recognizers.base import PatternRecognizer
from moderation.recognizers.digits import HAS_DIGIT, digits_of

_WORD = regex.compile(r"\bssn\b|social\s?sec|社会安全", regex.IGNORECASE)
_NEVER = frozenset({"078051120", "219099999", "123456789"})


def _ssn(match: "regex.Match[str]") -> str | None:
    digits = digits_of(match[0])
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000":
        return None
    said = bool(_WORD.search(context.before(match)))
    shaped = "-" in match[0] or " " in match[0]
    if digits in _NEVER and not said:
        return None
    return digits if said or (shaped and not context.is_order(match)) else None


SSN = PatternRecognizer(
    kind="ssn",
    name="us_ssn",
    pattern=regex.compile(
        r"(?<![0-9A-Za-z\-])(?:[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4}|[0-9]{9})(?![0-9A-Za-z]|-[0-9])"
    ),
    canonical=_ssn,
    score=0.95,
    needs=HAS_DIGIT,
)

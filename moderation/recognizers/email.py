"""Mail addresses, as they are and as people spell them out."""

import regex

from moderation.recognizers.base import PatternRecognizer

_AT = r"(?:@|\s?[\[({<]\s?(?:at|@|艾特)\s?[\])}>]\s?|\s?艾特\s?|\s(?:at|AT)\s|\s@\s?|\s?#at#\s?)"
_DOT = r"(?:\.|\s?[\[({<]\s?(?:dot|\.|点)\s?[\])}>]\s?|\s(?:dot|DOT)\s|\s?点\s?)"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_DOTS = regex.compile(_DOT)
_ATS = regex.compile(_AT)

# What "x at y dot z" may end with: else it is a sentence.
_ENDINGS = "com|net|org|cn|edu|gov|io|co|info|biz|uk|de|fr|es|it|nl|eu|us|ca|au|jp|kr|ru|in|br|hk|tw|sg|me|example|test"


def _plain(match: "regex.Match[str]") -> str | None:
    return str(match[0]).lower()


def _spelt(match: "regex.Match[str]") -> str | None:
    return str(regex.sub(r"\s", "", _DOTS.sub(".", _ATS.sub("@", match[0], count=1)))).lower()


EMAIL = PatternRecognizer(
    kind="email",
    name="email",
    pattern=regex.compile(
        rf"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9_%+\-](?:[A-Za-z0-9._%+\-']{{0,62}}[A-Za-z0-9_%+\-])?@"
        rf"(?:{_LABEL}\.){{1,4}}[A-Za-z]{{2,24}}(?![A-Za-z0-9\-])"
    ),
    canonical=_plain,
)
SPELT_EMAIL = PatternRecognizer(
    kind="email",
    name="spelt_email",
    pattern=regex.compile(
        rf"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9](?:[A-Za-z0-9._%+\-]{{0,40}}[A-Za-z0-9])?{_AT}"
        rf"{_LABEL}(?:{_DOT}{_LABEL}){{0,2}}{_DOT}(?:{_ENDINGS})(?![A-Za-z0-9\-])"
    ),
    canonical=_spelt,
    score=0.9,
    needs=regex.compile(r"at|AT|艾特|@"),
)

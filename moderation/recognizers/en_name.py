"""Names in Latin script: introduced by a phrase or a title, or begun by a known given name."""

from collections.abc import Iterator

import regex

from moderation.normalization import View, folded
from moderation.recognizers.base import Match
from moderation.recognizers.dictionaries import words as dictionary

_WORD = r"\p{Lu}[\p{L}'’]{1,20}(?:-\p{Lu}?[\p{L}'’]{1,20})?"
_INITIAL = r"\p{Lu}(?:\.|(?!\p{L}))"
_PARTICLE = (
    r"(?:van der|van den|van|von|de la|de|del|della|di|da|dos|el|al|bin|ibn|le|la|du|af|zu|ter)"
)
_NAME = rf"{_WORD}(?: (?:{_INITIAL}|{_PARTICLE} {_WORD}|{_WORD})){{0,3}}"
_LOWER = r"[\p{L}'’\-]{2,20}(?:\s[\p{L}'’\-]{2,20})?"
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Madam|Herr|Frau|Mme|Mlle|Señora?|Sig|Sr|Sra|Doctor|Captain|Rev)"
_STRONG = (
    r"(?:[Mm]y (?:full |first |last |family |user)?name(?:'s| is|:)|[Nn]ame(?: is|:|\?|\s?=)|[Cc]alled|[Nn]amed|[Ss]igned(?: by)?|[Ss]incerely,|[Rr]egards,|[Bb]est,|[Cc]heers,|[Yy]ours,|[Tt]hanks,"
    r"|[Dd]ear|[Aa]ttn:?|[Aa]ttention:?|[Cc]ardholder:?|[Cc]ustomer:|[Rr]ecipient:?|[Cc]ontact(?: person)?:|[Ss]peak (?:to|with)|[Aa]sk for|[Tt]alk to|[Mm]eet|[Hh]i|[Hh]ello|[Hh]ey|This is|this is|[Ii]t's|I'm|I am|i am|i'm)"
)
_INTRODUCED = regex.compile(rf"(?<!\p{{L}})(?P<lead>{_STRONG})\s{{1,4}}(?P<name>{_NAME})")
_LOWERCASE = regex.compile(
    rf"(?<!\p{{L}})(?:my (?:full )?name(?:'s| is)|i am called)\s{{1,2}}(?P<name>{_LOWER})"
)
_TITLED = regex.compile(rf"(?<!\p{{L}}){_TITLE}\.?\s(?P<name>{_NAME})")
_SEQUENCE = regex.compile(rf"(?<![\p{{L}}\d'’@.\-])(?P<name>{_NAME})(?![\p{{L}}\d@])")
_CARELESS = frozenset(
    {
        "hi",
        "hello",
        "hey",
        "this is",
        "it's",
        "i'm",
        "i am",
        "meet",
        "dear",
        "thanks,",
        "best,",
        "called",
        "named",
    }
)
_POSSESSIVE = regex.compile(r"['’]s?$")
_HOLD = 100


class LatinName:
    """Context first, then dictionaries."""

    kind = "name"
    name = "latin_name"

    def find(self, view: View) -> Iterator[Match]:
        text = view.text
        spans: dict[int, int] = {}
        for match in _TITLED.finditer(text):
            self._add(spans, match, strong=True)
        for match in _INTRODUCED.finditer(text):
            self._add(spans, match, strong=match["lead"].lower() not in _CARELESS)
        for match in _LOWERCASE.finditer(text):
            self._add_lower(spans, match)
        for match in _SEQUENCE.finditer(text):
            self._add(spans, match, strong=False)
        done = 0
        for start, end in sorted(spans.items(), key=lambda each: (each[0], -each[1])):
            if start >= done:
                done = end
                name = _POSSESSIVE.sub("", text[start:end])
                yield Match(start, start + len(name), name.lower(), 0.75)

    def open_from(self, view: View) -> int:
        """The sentence that is being written, at most so many characters of it."""
        text = view.text
        start = max(0, len(text) - _HOLD)
        for barrier in regex.finditer(
            r"[.!?\n。！？](?=\s|$)|\n|[\u4e00-\u9fff]", text[: max(0, len(text) - 2)], pos=start
        ):
            start = barrier.end()
        return start

    def _add(self, spans: dict[int, int], match: "regex.Match[str]", *, strong: bool) -> None:
        start = match.start("name")
        words = [
            (start + word.start(), start + word.end(), _key(word[0]))
            for word in regex.finditer(r"[\p{L}'’.\-]+", match["name"])
        ]
        ordinary, given, family = dictionary("ordinary"), dictionary("given"), dictionary("family")
        # What is no part of a name ends it, and may not begin it.
        while words and words[0][2] in ordinary and not (strong and words[0][2] in given):
            words.pop(0)
            if strong:
                return
        for index, (_, _, key) in enumerate(words):
            if index and key in ordinary and key not in family:
                words = words[:index]
                break
        if not words:
            return
        keys = [key for _, _, key in words]
        if (
            strong
            or keys[0] in given
            or (len(keys) > 1 and any(key in given for key in keys[:2]))
            or (len(keys) > 1 and keys[-1] in family)
        ):
            spans.setdefault(words[0][0], words[-1][1])

    def _add_lower(self, spans: dict[int, int], match: "regex.Match[str]") -> None:
        words = [
            (match.start("name") + word.start(), match.start("name") + word.end(), _key(word[0]))
            for word in regex.finditer(r"[\p{L}'’\-]+", match["name"])
        ]
        if not words or words[0][2] in dictionary("ordinary"):
            return
        end = words[0][1]
        if len(words) > 1 and words[1][2] not in dictionary("ordinary"):
            end = words[1][1]
        spans.setdefault(words[0][0], end)


def _key(word: str) -> str:
    """As dictionaries spell it: no accents, no case, no possessive."""
    key = folded(word).text.replace("’", "'").removesuffix("'s")
    return key.replace("'", "").strip(".-")


EN_NAME = LatinName()

"""Names in Latin script: by the words around them, by dictionaries, by how family names end."""

import functools
from collections.abc import Iterator

import regex

from moderation.normalization import View, folded
from moderation.recognizers import en_person
from moderation.recognizers.base import Match
from moderation.recognizers.dictionaries import census
from moderation.recognizers.dictionaries import words as dictionary
from moderation.recognizers.en_person import RELATIVE

_LETTERS = r"[\p{Latin}'’]"
_WORD = (
    rf"(?:(?:al|el|Al|El|d|D|l|L)[-'’])?\p{{Lu}}{_LETTERS}{{1,24}}+(?:-\p{{L}}{_LETTERS}{{1,20}}+)?"
)
_INITIAL = r"\p{Lu}(?:\.|(?![\p{L}'’]))"
_PARTICLE = r"(?:van der|van den|van de|von der|von|van|de la|de los|dela|del|della|de|di|da|dos|do|du|af|av|bin|bint|ibn|el|al|la|le|zu|ter|ten|e|y)"
_RUN = regex.compile(
    rf"(?<![\p{{Latin}}\p{{N}}'’@_\-./])(?:{_WORD}|{_INITIAL}(?= ))"
    rf"(?: (?:{_WORD}|{_INITIAL}|{_PARTICLE} {_WORD})){{0,5}}+(?![\p{{N}}@_])"
)
_SUFFIX = regex.compile(
    r",? (?:Jr\.?|Sr\.?|B\.?Sc\.?|B\.?A\.?|M\.?Sc\.?|M\.?A\.?|II|III|IV|MD|M\.D\.|PhD|Ph\.D\.|DDS|DVM|Esq\.?)(?!\w)"
)

_FAMILY = regex.compile(
    r".{2,}(?:sson|s?dottir|ovic|evic|ovich|evich|[lrntkbvdz]enko|czyk|wski|wska|[aeio]?inen|onen|anen|[^o]kov|[lnrtmpsdbzhfgvi]ov|[lnrtmpsdbzhgvk]ova|y?ev|y?eva|opoulos|ellis|iadis|akis|oglu|idze|shvili|escu"
    r"|quist|qvist|strom|gaard|kowa|ewicz|owicz|ovna|evna|ilova|arova)"
)
_FAMILIAR = regex.compile(
    r".{3,}(?:sen|sky|ski|ska|cki|cka|skaya|skij|ian|yan|ez|elli|etti|ini|ucci|mann|berg|stein|feld|bauer|wald|hof|lund|strand|vik|dahl|gren|nagy|szky|ffy|ssy|ukas|aitis|auskas|iene|ulis|ins|ins|dze|uk|chuk|yuk|ich|eau|moto|mura|shima|yama|awa|guchi|kawa)"
)
_PARTICIPLE = regex.compile(r".{3,}(?:ed|ing|tion|ment|ness|able|ible|ally|ful|less|ware|ly)")
_POSSESSIVE = regex.compile(r"['’]s?$")
_LOWER = rf"\p{{Ll}}{_LETTERS}{{1,20}}(?:-{_LETTERS}{{2,20}})?"
_LOWERCASE = regex.compile(
    rf"(?<!\p{{L}})(?i:(?:my|his|her|their) (?:full |first |last )?name(?:'?s| is)|(?<=^|[.,!?\n] ?)name is|i am called|people call me|name\s?:|mrs?\.?|ms\.?|dr\.|(?P<relative>my (?:{RELATIVE})))"
    rf"\s{{1,4}}(?P<name>{_LOWER}(?: (?:\p{{Ll}}\.? )?{_LOWER})?)"
)
_BARE = regex.compile(
    rf"(?<![\p{{Latin}}\p{{N}}'’@_\-./])(?P<name>\p{{Ll}}{_LETTERS}{{2,20}} (?:\p{{Ll}}\.? )?\p{{Ll}}{_LETTERS}{{2,20}})(?![\p{{L}}'’@_])"
)
_LOWER_WORD = regex.compile(r"[\p{L}'’\-]+")
_HOLD = 120
_BARRIER = regex.compile(
    r"(?<!(?<!\p{L})\p{L}|(?i:\b(?:mrs?|ms|dr|jr|sr|prof|st|attn)))[.!?](?=\s)|\n\n|[。！？\u4e00-\u9fff]"
)


class LatinName:
    """Runs of capitalised words, and names after words that speak of a person."""

    kind = "name"
    name = "latin_name"

    def find(self, view: View) -> Iterator[Match]:
        text = view.text
        spans = [span for run in _RUN.finditer(text) for span in _names_in(text, run)]
        spans += _in_lower_case(text)
        done = 0
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start >= done:
                done = end
                yield Match(start, end, text[start:end].lower(), 0.75)

    def open_from(self, view: View) -> int:
        """The sentence that is being written, at most so many characters of it."""
        text = view.text
        start = max(0, len(text) - _HOLD)
        for barrier in _BARRIER.finditer(text, start, max(start, len(text) - 2)):
            start = barrier.end()
        return start


Word = tuple[int, int, str]


def _names_in(text: str, run: "regex.Match[str]") -> Iterator[tuple[int, int]]:
    """The names among capitalised words in a row: what stands between ordinary words."""
    words: list[Word] = []
    ordinary = _ordinary()
    end = run.start() - 1
    for word in run[0].split(" "):
        start, end = end + 1, end + 1 + len(word)
        key = _key(word)
        is_ordinary = key in ordinary and len(key) > 1
        if not is_ordinary:
            words.append((start, end, key))
        if is_ordinary or (word[-1] in "s'’" and _POSSESSIVE.search(word)):
            yield from _judged(text, words)
            words = []
    yield from _judged(text, words)


def _judged(text: str, words: list[Word]) -> Iterator[tuple[int, int]]:
    """The words as one name, if they are one."""
    while words and len(words[-1][2]) < 2:
        words.pop()
    while words and words[0][2] in _SMALL:
        words.pop(0)
    if not words or len(words) > _LONGEST:
        return
    start, end = words[0][0], words[-1][1]
    end -= len(text[start:end]) - len(_POSSESSIVE.sub("", text[start:end]))
    keys = [key for _, _, key in words]
    has_initials = [len(key) for key in keys[:2]] == [1, 1]
    if has_initials or _is_name(text, start, end, [key for key in keys if len(key) > 1]):
        suffix = _SUFFIX.match(text, end)
        yield start, suffix.end() if suffix else end


def _is_name(text: str, start: int, end: int, keys: list[str]) -> bool:
    if en_person.is_thing(text, start, end) or _is_namesake(keys):
        return False
    firm = [key for key in keys if key not in dictionary("ordinary")]
    if en_person.is_introduced(text, start):
        return bool(firm) or keys[0] in dictionary("given")
    if en_person.is_counted(text, start) and not en_person.owns(text, end):
        return False
    if not firm or (text[start:end].isupper() and not _is_known(firm)):
        return False
    if len(keys) == 1:
        return _stands_alone(text, start, end, keys[0])
    if keys[-1] in dictionary("streets") and keys[-1] not in dictionary("family"):
        return False
    return (
        firm[0] in dictionary("given")
        or (firm[0] in _given() and not _PARTICIPLE.fullmatch(firm[0]))
        or _FAMILY.fullmatch(keys[-1]) is not None
        or (firm[-1] == keys[-1] and keys[-1] in dictionary("family") and _unbent(keys[0]))
        or en_person.is_hinted(text, start)
        or ((en_person.acts(text, end) or en_person.owns(text, end)) and _unbent(keys[0]))
    )


def _is_namesake(keys: list[str]) -> bool:
    """Whether a brand or a place is called so."""
    return keys[0] in dictionary("namesakes") or "-".join(keys[:2]) in dictionary("namesakes")


def _is_known(keys: list[str]) -> bool:
    """Whether one of them is a name of the short lists: what is written large is not by itself."""
    return any(
        key in dictionary("given") or key in dictionary("family") or key in _given() for key in keys
    )


def _stands_alone(text: str, start: int, end: int, key: str) -> bool:
    """Whether a single word is a name here."""
    if key in dictionary("ordinary") or len(key) < 3:
        return False
    if _FAMILY.fullmatch(key) and len(key) > 5:
        return True
    if en_person.is_greeted(text, start, end):
        return True
    given = key in dictionary("given") or key in _given()
    family = (
        key in dictionary("family") or key in _families() or _FAMILIAR.fullmatch(key) is not None
    )
    if en_person.acts(text, end):
        return given or family or (text[end] != "," and _unbent(key))
    if (given or family) and (en_person.is_hinted(text, start) or en_person.owns(text, end)):
        return True
    return key in dictionary("given") and en_person.is_near(text, start)


def _unbent(key: str) -> bool:
    """Whether a word does not end like an English verb, noun or adverb."""
    return _PARTICIPLE.fullmatch(key) is None


def _in_lower_case(text: str) -> Iterator[tuple[int, int]]:
    """Names that nobody capitalised: introduced, or a known given and a known family name."""
    for match in _LOWERCASE.finditer(text):
        first, *rest = _LOWER_WORD.finditer(match["name"])
        key = _key(first[0])
        if match["relative"] is not None and key not in _sole_given():
            continue
        if key in dictionary("given") or key not in dictionary("ordinary"):
            end = first.end()
            if rest and _is_family(_key(rest[-1][0])):
                end = rest[-1].end()
            yield match.start("name"), match.start("name") + end
    for match in _BARE.finditer(text, overlapped=True):
        first, *_, last = _LOWER_WORD.findall(match["name"])
        keys = [_key(first), _key(last)]
        if keys[0] in _sole_given() and _is_family(keys[1]) and not _is_namesake(keys):
            yield match.span("name")


def _is_family(key: str) -> bool:
    """Whether the word is a family name and nothing else."""
    return key not in dictionary("ordinary") and (
        key in dictionary("family") or key in _families() or _FAMILY.fullmatch(key) is not None
    )


def _key(word: str) -> str:
    """As dictionaries spell it: no accents, no case, no possessive."""
    if word.isascii() and word.isalpha():
        return word.lower()
    key = word.lower() if word.isascii() else folded(word).text
    key = key.replace("’", "'").removesuffix("'s")
    return key.replace("'", "").strip(".-")


def _given() -> frozenset[str]:
    return census("first:male", "first:female")


def _families() -> frozenset[str]:
    return census("last")


@functools.cache
def _ordinary() -> frozenset[str]:
    """Ordinary words that are no names."""
    return dictionary("ordinary") - dictionary("given") - dictionary("family")


@functools.cache
def _sole_given() -> frozenset[str]:
    """Given names that are no ordinary words."""
    return dictionary("given") - dictionary("ordinary")


_SMALL = frozenset(
    {
        "van",
        "von",
        "de",
        "der",
        "den",
        "del",
        "della",
        "di",
        "da",
        "dos",
        "do",
        "du",
        "af",
        "av",
        "bin",
        "bint",
        "ibn",
        "al",
        "el",
        "la",
        "le",
        "zu",
        "ter",
        "ten",
        "e",
        "y",
    }
)
_LONGEST = 5

EN_NAME = LatinName()

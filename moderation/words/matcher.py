"""Finds the words of a lexicon in a text, through the ways in which people disguise them."""

import bisect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick, MatchKind

from moderation.normalization import View, folded
from moderation.words import levels as disguises
from moderation.words.forms import Form, MappedForm, Skeleton, skeleton_of
from moderation.words.lexicon import Level, Lexicon, Word

WIDEST_GAP = 3
# Fewer letters of pinyin are the sound of too many ordinary words.
SHORTEST_SOUND = 4
_REPEATED = 3
_FIRST_HAN = "\u2e80"


@dataclass(frozen=True, slots=True)
class WordMatch:
    """``text[start:end]`` is ``term``; ``level`` is what it took to see it, or empty."""

    start: int
    end: int
    term: str
    category: str
    level: str = ""


@dataclass(frozen=True, slots=True)
class _Shape:
    """A word as it is searched for: its runs, and where it has gaps of its own."""

    word: Word
    form: str
    runs: tuple[int, ...]
    gaps: frozenset[int]
    is_latin: bool


class WordMatcher:
    """Built once for a lexicon and a set of levels; then used by any thread.

    A Latin word must stand by itself: letters beside it make it another word. Between
    the characters of a word may stand up to three separators, of an English word only if it
    is spelt out (``s h i t``). Repeated characters count where the word has fewer of them
    at least three times, or twice throughout. What stands inside an allowed term is no match.
    """

    def __init__(self, lexicon: Lexicon, levels: frozenset[Level] = frozenset()) -> None:
        self._levels = levels
        shapes: dict[str, list[_Shape]] = {}
        for word in lexicon.words:
            form = folded(word.term).text
            if skeleton := skeleton_of(form):
                shapes.setdefault(skeleton, []).append(_shape(word, form))
        self._skeletons = sorted(shapes)
        self._shapes = [shapes[skeleton] for skeleton in self._skeletons]
        self._longest = max(map(len, self._skeletons), default=0)
        self._automaton = _automaton(self._skeletons)
        self._sounds: list[str] = []
        self._sound_words: list[list[Word]] = []
        if levels & {Level.PINYIN, Level.HOMOPHONE}:
            self._learn_sounds(lexicon)
        self._sound_automaton = _automaton(self._sounds)
        self._longest_sound = max(map(len, self._sounds), default=0)

    def find(self, text: str) -> list[WordMatch]:
        """All forbidden words in ``text``, in order; they may overlap."""
        forbidden, allowed = self._find(text)
        return [
            match
            for match in forbidden
            if not any(start <= match.start and match.end <= end for start, end in allowed)
        ]

    def allowed_spans(self, text: str) -> list[tuple[int, int]]:
        """The spans of ``text`` that are terms of the allow-list."""
        return self._find(text)[1]

    def open_from(self, text: str) -> int:
        """Where the earliest piece of ``text`` begins that more text could make a word of,
        or could make something else of; its length when there is none."""
        view = folded(text)
        position = len(text)
        forms: list[Form] = [view, *self._readings(view)]
        for form in forms:
            position = min(position, self._open_in(form, len(text)))
        if self._sounds:
            position = min(position, self._open_sound(view, len(text)))
        return position

    # Searching

    def _find(self, text: str) -> tuple[list[WordMatch], list[tuple[int, int]]]:
        view = folded(text)
        skeleton = Skeleton(view)
        hits = self._automaton.find_matches_as_indexes(skeleton.text, overlapping=True)
        found = list(self._verified(skeleton, hits, "")) if hits else []
        if self._levels:
            found += self._disguised(view)
        if not found:
            return [], []
        allowed = [(match.start, match.end) for match, is_allowed in found if is_allowed]
        forbidden = {match for match, is_allowed in found if not is_allowed}
        return sorted(forbidden, key=lambda match: (match.start, -match.end)), allowed

    def _disguised(self, view: View) -> Iterator[tuple[WordMatch, bool]]:
        for form in self._readings(view):
            skeleton = Skeleton(form)
            hits = self._automaton.find_matches_as_indexes(skeleton.text, overlapping=True)
            level = Level.SPLIT if len(form.text) != len(view.text) else Level.LEET
            for match, is_allowed in self._verified(skeleton, hits, level.value):
                if not is_allowed:
                    yield match, False
        if self._sounds:
            yield from ((match, False) for match in self._sounding(view))

    def _readings(self, view: View) -> Iterator[MappedForm]:
        if Level.LEET in self._levels:
            yield from disguises.leet(view)
        if Level.SPLIT in self._levels:
            yield from disguises.whole(view)

    def _verified(
        self, skeleton: Skeleton, hits: list[tuple[int, int, int]], level: str
    ) -> Iterator[tuple[WordMatch, bool]]:
        places: dict[int, list[tuple[int, int]]] = {}
        for index, start, end in hits:
            places.setdefault(index, []).append((start, end))
        for index, spans in places.items():
            for shape in self._shapes[index]:
                for first, end in self._occurrences(skeleton, spans, shape):
                    word = shape.word
                    begin, finish = skeleton.form.span(first, end)
                    yield WordMatch(begin, finish, word.term, word.category, level), word.allowed

    def _occurrences(
        self, skeleton: Skeleton, spans: list[tuple[int, int]], shape: _Shape
    ) -> Iterator[tuple[int, int]]:
        """Where in the form the word really stands; ``spans`` are those of the skeleton."""
        text = skeleton.form.text
        written: list[tuple[int, int]] = []
        at, isolated = text.find(shape.form), True
        while at >= 0:
            end = at + len(shape.form)
            written.append((at, end))
            isolated &= text[at - 1 : at] != text[at] and text[end : end + 1] != text[end - 1]
            at = text.find(shape.form, at + 1)
        if len(written) == len(spans) and isolated:
            # Nothing is disguised: the usual case, and a cheap one.
            yield from (span for span in written if _stands_alone(text, *span))
            return
        for start, end in spans:
            if (place := self._place(skeleton, start, end, shape)) is not None:
                yield place

    def _place(
        self, skeleton: Skeleton, start: int, end: int, shape: _Shape
    ) -> tuple[int, int] | None:
        """Where the word stands in the form, if it really does."""
        whole = [list(each) for each in skeleton.places[start:end]]
        trimmed = list(whole)
        if len(whole) > 1:
            # Beyond its own letters a word may end in repeats, but the next word is not its own.
            trimmed[0] = _attached(whole[0][::-1], shape.runs[0], shape.is_latin)[::-1]
            trimmed[-1] = _attached(whole[-1], shape.runs[-1], shape.is_latin)
        for places in (trimmed, whole):
            if (place := self._fitting(skeleton.form.text, places, shape)) is not None:
                return place
        return None

    def _fitting(self, text: str, places: list[list[int]], shape: _Shape) -> tuple[int, int] | None:
        if not _runs_fit([len(each) for each in places], shape):
            return None
        first, last = places[0][0], places[-1][-1]
        if not _stands_alone(text, first, last + 1):
            return None
        if not self._gaps_fit(text, [index for each in places for index in each], places, shape):
            return None
        return first, last + 1

    def _gaps_fit(
        self, text: str, indexes: list[int], places: list[list[int]], shape: _Shape
    ) -> bool:
        widths = [after - before - 1 for before, after in itertools.pairwise(indexes)]
        if not any(widths):
            return True
        if max(widths) > WIDEST_GAP:
            return False
        if not shape.is_latin or Level.SPLIT in self._levels:
            return True
        edges = [each[-1] for each in places[:-1]]
        own = {edges[position] for position in shape.gaps if position < len(edges)}
        gapped = {before for before, width in zip(indexes, widths, strict=False) if width}
        foreign = gapped - own
        if not foreign or len(foreign) == len(indexes) - 1 - len(own & set(indexes)):
            return True
        return all(text[before + 1] != " " for before in foreign)

    # Sounds

    def _learn_sounds(self, lexicon: Lexicon) -> None:
        words: dict[str, list[Word]] = {}
        for word in lexicon.words:
            syllables = [disguises.syllable(each) for each in folded(word.term).text]
            sound = "".join(syllables)
            is_han = len(syllables) > 1 and all(syllables)
            if is_han and not word.allowed and len(sound) >= SHORTEST_SOUND:
                words.setdefault(sound, []).append(word)
        self._sounds = sorted(words)
        self._sound_words = [words[sound] for sound in self._sounds]

    def _sounding(self, view: View) -> Iterator[WordMatch]:
        form, begins, latin = disguises.sounds(view)
        hits = self._sound_automaton.find_matches_as_indexes(form.text, overlapping=True)
        for index, start, end in hits:
            if not begins[start] or (end < len(begins) and not begins[end]):
                continue
            if _is_inside_latin(latin, form, start, end):
                continue
            written = any(latin[start:end])
            level = Level.PINYIN if written else Level.HOMOPHONE
            if level in self._levels:
                begin, finish = form.span(start, end)
                for word in self._sound_words[index]:
                    yield WordMatch(begin, finish, word.term, word.category, level.value)

    # Streams

    def _open_in(self, form: Form, length: int) -> int:
        skeleton = Skeleton(form)
        for start in range(max(0, len(skeleton.text) - self._longest), len(skeleton.text)):
            if _is_prefix(skeleton.text[start:], self._skeletons):
                places = skeleton.places[start]
                for place in places:
                    if not _continues(form.text, place - 1, place):
                        return form.span(place, place + 1)[0]
        return length

    def _open_sound(self, view: View, length: int) -> int:
        form, begins, latin = disguises.sounds(view)
        for start in range(max(0, len(form.text) - self._longest_sound), len(form.text)):
            if not begins[start] or not _is_prefix(form.text[start:], self._sounds):
                continue
            if not (start and latin[start] and latin[start - 1] and _adjacent(form, start)):
                return form.span(start, start + 1)[0]
        return length


def _shape(word: Word, form: str) -> _Shape:
    places = _FormOnly(form).places
    gaps = {
        position
        for position, (before, after) in enumerate(itertools.pairwise(places))
        if after[0] - before[-1] > 1
    }
    letters = [form[each[0]] for each in places]
    return _Shape(
        word,
        form,
        tuple(len(each) for each in places),
        frozenset(gaps),
        all(_is_latin(each) for each in letters),
    )


class _FormOnly(Skeleton):
    """The skeleton of a term, which has no original to go back to."""

    def __init__(self, text: str) -> None:
        super().__init__(MappedForm(text, ()))


def _automaton(patterns: list[str]) -> AhoCorasick:
    return AhoCorasick(patterns, matchkind=MatchKind.Standard, store_patterns=False)


def _is_prefix(text: str, ordered: list[str]) -> bool:
    """Whether one of ``ordered`` begins with ``text``."""
    index = bisect.bisect_left(ordered, text)
    return index < len(ordered) and ordered[index].startswith(text)


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _continues(text: str, neighbour: int, edge: int) -> bool:
    """Whether the character at ``neighbour`` makes that at ``edge`` part of a longer word."""
    if not 0 <= neighbour < len(text) or not _is_latin(text[edge]):
        return False
    beside, character = text[neighbour], text[edge]
    if character.isdigit():
        return beside.isascii() and beside.isdigit()
    # Letters of alphabets; Chinese is written without spaces.
    return beside.isalpha() and beside < _FIRST_HAN


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no letter beside ``text[start:end]`` makes it part of another word."""
    return not (_continues(text, start - 1, start) or _continues(text, end, end - 1))


def _attached(run: list[int], own: int, is_latin: bool) -> list[int]:
    """Of the places of a repeated character at a word's edge, from the word outwards, those
    that are the word's: its own number, and in Latin letters all that stand without a gap."""
    kept = run[:own]
    if is_latin:
        for place in run[own:]:
            if abs(place - kept[-1]) != 1:
                break
            kept.append(place)
    return kept


def _runs_fit(runs: list[int], shape: _Shape) -> bool:
    """Whether repeats in the text are those of the word, or a disguise of it."""
    own = shape.runs
    if shape.word.allowed:
        return tuple(runs) == own
    if len(runs) == 1:
        return runs[0] == own[0] or (not shape.is_latin and runs[0] > own[0])
    different = [(there, here) for there, here in zip(runs, own, strict=True) if there != here]
    if any(there < here for there, here in different):
        return False
    longer = [pair for pair in different if pair[0] < _REPEATED]
    if not longer:
        return True
    if len(runs) > 1 and all(
        there % here == 0 and there == 2 * here for there, here in zip(runs, own, strict=True)
    ):
        return True
    return shape.is_latin and len(longer) == len(different) == 1 and sum(own) >= 4


def _is_inside_latin(latin: list[bool], form: MappedForm, start: int, end: int) -> bool:
    """Whether letters of the match go on beyond it in one word."""
    before = start > 0 and latin[start] and latin[start - 1] and _adjacent(form, start)
    after = end < len(latin) and latin[end - 1] and latin[end] and _adjacent(form, end)
    return before or after


def _adjacent(form: MappedForm, index: int) -> bool:
    return form.spans[index - 1][1] == form.spans[index][0]

"""Words are found through disguises, and ordinary words are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.words.defaults import default_lexicon
from moderation.words.lexicon import Level, Lexicon, Word
from moderation.words.matcher import WordMatcher

WORDS = Lexicon(
    (
        Word("plonker", "abuse"), Word("twit", "abuse"), Word("ass", "abuse"), Word("dumb cluck", "abuse"), Word("坏东西", "abuse"),
        Word("网贩药", "drugs"), Word("强药", "drugs"), Word("操坏", "abuse"), Word("大麻", "drugs"), Word("大麻烦", "", allowed=True),
    )
)  # fmt: skip
MATCHER = WordMatcher(WORDS)
STRICT = WordMatcher(WORDS, frozenset(Level))
PIECES = st.lists(
    st.sampled_from(
        ["plonker", "plonk", "er", "p", "l", "o", "n", "k", " ", ".", "twit", "tw1t", "坏", "东西", "大麻", "烦", "ass", "s", "a", "\u200b",
         "ｐ", "弓", "虽", "药", "cao", "坏", "，", "\n", "网", "販", "the", "😀", "\ud800", "dumb", "cluck"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


def terms(text: str, matcher: WordMatcher = MATCHER) -> set[str]:
    return {match.term for match in matcher.find(text)}


@pytest.mark.parametrize(
    "text",
    [
        "plonker", "PLONKER", "ｐｌｏｎｋｅｒ", "𝐩𝐥𝐨𝐧𝐤𝐞𝐫", "ⓟⓛⓞⓝⓚⓔⓡ", "plönkér", "pl\u200bon\u202eker", "p\ufe0flonker", "рlоnkеr", "p l o n k e r",
        "p.l.o.n.k.e.r", "plon-ker", "plooonker", "pplloonnkkeerr", "ppplllooonnnkkkeeerrr", "p😀l😀o😀n😀k😀e😀r", "you plonker to me", "plonker坏人",
    ],
)  # fmt: skip
def test_disguises_of_a_latin_word(text: str) -> None:
    assert "plonker" in terms(text)


@pytest.mark.parametrize(
    "text",
    [
        "坏东西",
        "壞東西",
        "坏 东 西",
        "坏*东*西",
        "坏坏东东西西",
        "坏坏坏东西",
        "坏\u200b东西",
        "你坏东西啊",
    ],
)
def test_disguises_of_a_chinese_word(text: str) -> None:
    assert "坏东西" in terms(text)


@pytest.mark.parametrize(
    "text",
    [
        "plonkers",
        "splonker",
        "classic assess bass",
        "as",
        "glass",
        "Twitter",
        "坏，东西",
        "东西坏",
        "大麻烦",
        "plonk er",
        "a SS. Trip",
    ],
)
def test_other_words_are_none(text: str) -> None:
    assert terms(text) == set()


def test_a_word_in_two_words_may_have_its_own_gap() -> None:
    assert terms("you dumb  cluck") == terms("dumbcluck") == {"dumb cluck"}


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("tw1t", "twit"),
        ("@ss", "ass"),
        ("plonk er", "plonker"),
        ("弓虽药", "强药"),
        ("caohuai", "操坏"),
        ("cao坏", "操坏"),
        ("草坏", "操坏"),
    ],
)
def test_strict_levels_see_more(text: str, term: str) -> None:
    assert term in terms(text, STRICT)
    assert term not in terms(text)


def test_the_default_list_leaves_look_alikes_alone() -> None:
    matcher = WordMatcher(default_lexicon())
    for text in (
        "大麻烦", "地铁口交易", "手机", "Scunthorpe", "analysis", "have", "Essex", "一次性交费", "妈妈的手机", "cocktail", "therapist", "classic",
    ):  # fmt: skip
        assert matcher.find(text) == []


@given(PIECES)
def test_spans_hold_what_was_found(text: str) -> None:
    for matcher in (MATCHER, STRICT):
        for match in matcher.find(text):
            assert 0 <= match.start < match.end <= len(text)
            assert match.term in terms(text[match.start : match.end], matcher)


@given(PIECES, PIECES)
def test_what_stands_before_the_open_part_is_decided(before: str, after: str) -> None:
    for matcher in (MATCHER, STRICT):
        decided = matcher.open_from(before)
        early = {(m.start, m.end, m.term) for m in matcher.find(before) if m.start < decided}
        late = {(m.start, m.end, m.term) for m in matcher.find(before + after) if m.start < decided}
        assert early == late


@given(st.lists(st.builds(Word, st.text(max_size=20), st.sampled_from(["a", "b"]), st.booleans())))
def test_lists_survive_being_stored(words: list[Word]) -> None:
    text = Lexicon(tuple(words)).to_csv()

    assert Lexicon.from_csv(text).to_csv() == text

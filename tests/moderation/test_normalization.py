"""Normal forms: idempotent, and every piece maps back to where it came from."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.normalization import folded, plain

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


@pytest.mark.parametrize("form", [plain, folded])
def test_every_character_of_unicode_is_normalised_once_and_for_all(form) -> None:  # type: ignore[no-untyped-def]
    for codepoint in range(0, sys.maxunicode + 1, 7):
        once = form(chr(codepoint)).text
        assert form(once).text == once


@given(ANY_TEXT)
def test_spans_round_trip(text: str) -> None:
    for form in (plain, folded):
        view = form(text)
        for start in range(len(view.text)):
            first, last = view.span(start, start + 1)
            assert 0 <= first < last <= len(text)
            assert view.text[start] in form(text[first:last]).text
        if view.text:
            first, last = view.span(0, len(view.text))
            assert form(text[first:last]).text == view.text


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Ｆｕｌｌ Ⓦⓘⓓⓣⓗ", "full width"),
        ("𝐁𝐨𝐥𝐝 ⒝⒭⒜⒞⒦⒠⒯", "bold bracket"),
        ("cаfé Straße", "cafe straße"),
        ("法輪 一二三 陸肆 ①⓿", "法轮 123 64 10"),
        ("1️⃣\u200b2\u202e3", "123"),
    ],
)
def test_what_writers_vary_is_gone(text: str, form: str) -> None:
    assert folded(text).text == form

"""Lists from files: what can be read is read, and what cannot is told."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.words.importing import LARGEST_FILE, ImportRefused, read
from moderation.words.lexicon import Word


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_encodings_of_chinese_lists(encoding: str) -> None:
    assert read("坏东西\n黑货".encode(encoding), "a.txt", category="x").words == (
        Word("坏东西", "x"),
        Word("黑货", "x"),
    )


def test_a_csv_names_its_columns() -> None:
    data = b"Kind,Term,Category\nforbidden,plonker,abuse\nallowed,fine,\n"

    assert read(data, "a.CSV", category="x").words == (
        Word("plonker", "abuse"),
        Word("fine", "", allowed=True),
    )


def test_bad_lines_are_told_and_left_out() -> None:
    imported = read(f"ok\n{'x' * 65}\n...\n".encode(), "a.txt", category="x")

    assert imported.words == (Word("ok", "x"),)
    assert [each.line for each in imported.problems] == [2, 3]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\x00\x01\x02", b"x" * (LARGEST_FILE + 1)])
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(ImportRefused):
        read(data, "a.txt", category="x")


@given(st.binary(max_size=300), st.sampled_from(["a.txt", "a.csv"]))
def test_nothing_else_is_ever_raised(data: bytes, name: str) -> None:
    with contextlib.suppress(ImportRefused):
        assert all(word.term for word in read(data, name, category="x").words)

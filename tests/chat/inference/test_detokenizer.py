from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.inference.detokenizer import Detokenizer


def decode(ids: Sequence[int]) -> str:
    """One token is one byte."""
    return bytes(ids).decode("utf-8", errors="replace")


def deltas(data: bytes) -> list[str]:
    detokenizer = Detokenizer(decode)
    return [detokenizer.push(byte) for byte in data] + [detokenizer.finish()]


@given(st.text(max_size=40))
def test_text_comes_back_whole_and_in_whole_characters(text: str) -> None:
    text = text.replace("\ufffd", "")
    found = deltas(text.encode())
    assert "".join(found) == text
    assert all(len(delta) <= 1 for delta in found)


@given(st.binary(max_size=60))
def test_broken_bytes_never_show(data: bytes) -> None:
    assert "\ufffd" not in "".join(deltas(data))


@pytest.mark.parametrize("text", ["é", "好", "😀", "👩‍👩‍👧"])
def test_half_a_character_is_held_back(text: str) -> None:
    found = deltas(text.encode())
    assert found[0] == ""
    assert "".join(found) == text


def test_answer_cut_inside_a_character_ends_before_it() -> None:
    assert "".join(deltas("ok 好".encode()[:-1])) == "ok "


def test_text_after_broken_bytes_goes_on() -> None:
    assert "".join(deltas(b"a" + b"\xff" * 6 + b"bcd")) == "abcd"

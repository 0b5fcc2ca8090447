"""Frozen files: written once, read back whole or not at all, compared."""

import hashlib
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.rows import dialogue, pair
from training import frozen
from training.frozen import DatasetDamaged, FrozenRow

ROWS = [
    replace(pair(f"问题 {number}?", f"g{number}"), id=f"row-{number}", author="ann")
    for number in range(20)
]


def test_rows_are_read_back_as_they_were(tmp_path: Path) -> None:
    written = frozen.write_rows(tmp_path / "new", ROWS)

    assert frozen.read_rows(written.path, written.sha256) == ROWS
    assert written.path == tmp_path / "new" / f"{written.sha256}.jsonl"
    assert written.size == written.path.stat().st_size
    assert written.path.stat().st_mode & 0o777 == 0o444
    assert [each.name for each in written.path.parent.iterdir()] == [written.path.name]


def test_the_same_rows_are_the_same_file(tmp_path: Path) -> None:
    first = frozen.write_rows(tmp_path, ROWS)
    before = first.path.stat()

    assert frozen.write_rows(tmp_path, ROWS) == first
    assert (first.path.stat().st_ino, first.path.stat().st_mtime_ns) == (
        before.st_ino, before.st_mtime_ns,
    )  # fmt: skip
    assert frozen.write_rows(tmp_path, ROWS[1:]).path != first.path


def test_a_damaged_file_is_refused_at_every_place_and_mended(tmp_path: Path) -> None:
    written = frozen.write_rows(tmp_path, ROWS)
    whole = written.path.read_bytes()
    places = random.Random(7).sample(range(len(whole)), 20)
    for place in places:
        flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        for damaged in (flipped, whole[:place]):
            written.path.chmod(0o644)
            written.path.write_bytes(damaged)
            with pytest.raises(DatasetDamaged):
                frozen.read_rows(written.path, written.sha256)
    frozen.write_rows(tmp_path, ROWS)

    assert frozen.read_rows(written.path, written.sha256) == ROWS


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetDamaged, match="cannot be read"):
        frozen.read_rows(tmp_path / "gone.jsonl", "0" * 64)
    path = tmp_path / "other.jsonl"
    for content in (b"{}\n", b"[]\n", b"no json\n", b"\xff\n"):
        path.write_bytes(content)
        with pytest.raises(DatasetDamaged, match="other rows"):
            frozen.read_rows(path, hashlib.sha256(content).hexdigest())


def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        frozen.write_rows(tmp_path, ROWS)

    assert list(tmp_path.iterdir()) == []


def _named(row: FrozenRow, name: str) -> FrozenRow:
    return replace(row, id=name)


def test_versions_are_compared() -> None:
    kept, moved, edited, gone, corrected = (
        _named(pair(question), question) for question in ("kept", "moved", "edited", "gone", "old")
    )
    elsewhere = replace(moved, split="test")
    better = replace(edited, messages=pair("edited", answer="Better.").messages)
    again = _named(pair("old", answer="Corrected."), "new id")
    new = _named(dialogue("new", "one"), "new")

    found = frozen.diff(
        [kept, moved, edited, gone, corrected], [again, new, better, elsewhere, kept]
    )

    assert found.added == (new,)
    assert found.removed == (gone,)
    assert found.changed == ((corrected, again), (edited, better))
    assert found.moved == ((moved, elsewhere),)


def test_versions_that_are_the_same_have_no_differences() -> None:
    assert frozen.diff(ROWS, ROWS[::-1]) == frozen.Diff((), (), (), ())
    assert frozen.diff([], ROWS).added == tuple(ROWS)
    assert frozen.diff(ROWS, []).removed == tuple(ROWS)


def test_of_two_answers_to_one_question_one_that_goes_is_removed() -> None:
    one, other = _named(pair("q", answer="1"), "1"), _named(pair("q", answer="2"), "2")

    assert frozen.diff([one, other], [one]) == frozen.Diff((), (other,), (), ())
    assert frozen.diff([one], [one, other]) == frozen.Diff((other,), (), (), ())

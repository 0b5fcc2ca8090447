"""Tables that leave csbot: no cell of them is run, whatever customers wrote, and nothing is lost."""

import csv
import io
import re
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import spreadsheets
from chat.spreadsheets import Cell, Sheet, guarded, unguarded

ROOT = Path(__file__).resolve().parents[2]
STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]
BEFORE = ["", " ", "   ", "'", "''", "\ufeff", "\u200b", "\u00a0"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("before", BEFORE)
def test_no_cell_begins_like_a_formula(before: str, start: str) -> None:
    cell = f"{before}{start}1+cmd|'/C calc'!A0"

    assert guarded(cell).startswith("'")
    assert unguarded(guarded(cell)) == cell


@given(TEXTS)
def test_guarded_cells_are_read_back_as_they_were(text: str) -> None:
    assert unguarded(guarded(text)) == text


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_csv_file_says_what_it_was_given(cells: list[str]) -> None:
    text = "".join(spreadsheets.csv_lines([cells]))

    (row,) = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert [unguarded(cell) for cell in row] == cells


def test_a_workbook_has_texts_and_numbers_and_no_formula() -> None:
    rows: list[list[Cell]] = [
        ["question", "times"],
        ["=1+1", 3],
        [" \t=HYPERLINK(1)", -2.5],
        ["a\x07b_x0007_", None],
    ]

    data = spreadsheets.xlsx([Sheet("Top: questions/answers", rows), Sheet("other", [["a"]])])

    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["Top  questions answers", "other"]
    cells = [[(cell.data_type, cell.value) for cell in row] for row in book.worksheets[0]]
    assert cells[1:] == [
        [("s", "'=1+1"), ("n", 3)],
        [("s", "' \t=HYPERLINK(1)"), ("n", -2.5)],
        [("s", "a_x0007_b_x005F_x0007_"), ("n", None)],
    ]


def test_nothing_else_writes_spreadsheets() -> None:
    """Word lists are kept as CSV in the database; they never leave as a file."""
    writes = re.compile(r"csv\.(?:Dict)?[wW]riter|openpyxl\.Workbook|WriteOnlyCell|xlsxwriter")
    allowed = {"chat/spreadsheets.py", "moderation/words/lexicon.py"}
    found = {
        str(path.relative_to(ROOT))
        for app in ("chat", "moderation", "training", "csbot")
        for path in (ROOT / app).rglob("*.py")
        if writes.search(path.read_text(encoding="utf-8"))
    }

    assert found == allowed

"""All tables that leave csbot as CSV or XLSX are written here, and nowhere else.

What customers write ends up in cells, and spreadsheets run cells that begin like a formula: no
text that is written here is one. Numbers stay numbers.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Cell = str | int | float | None
Row = Sequence[Cell]

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_TITLE = 31

# Signs that begin a formula, behind spaces and invisible characters, too: some programs trim.
# Those that had an apostrophe already get one more.
_START = r"[\s'\ufeff\u200b-\u200f\u2060]*[=+\-@\t\r\n＝＋－＠]"
_FORMULA = re.compile(_START)
_GUARDED = re.compile("'" + _START)
# What XML cannot hold stands as its number in a sheet, and so does what looks like one.
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_UNFIT = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x01-\x08\x0b-\x1f\ufffe\uffff]")
_NO_TITLE = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. Its first row names the columns."""

    title: str
    rows: Iterable[Row]


def guarded(cell: str) -> str:
    """The cell as it can be opened in a spreadsheet without being run."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """What :func:`guarded` was given."""
    return cell[1:] if _GUARDED.match(cell) else cell


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """The records of a CSV file, with the mark by which spreadsheets know UTF-8."""
    yield "\ufeff"
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow(
            [guarded(each) if isinstance(each, str) else each for each in row]
        )
        yield line.getvalue()


def xlsx(sheets: Iterable[Sheet]) -> bytes:
    """A whole workbook: every text is typed as one."""
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    book = openpyxl.Workbook(write_only=True)
    for each in sheets:
        sheet = book.create_sheet(_NO_TITLE.sub(" ", each.title)[:LONGEST_TITLE])
        for row in each.rows:
            cells: list[object] = []
            for value in row:
                if isinstance(value, str):
                    cell = WriteOnlyCell(sheet, escaped(guarded(value)))
                    cell.data_type = "s"
                    cells.append(cell)
                else:
                    cells.append(value)
            sheet.append(cells)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def escaped(text: str) -> str:
    """The text as the XML of a sheet can hold it."""
    return _UNFIT.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def unescaped(text: str) -> str:
    """What :func:`escaped` was given."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)

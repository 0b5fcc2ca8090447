"""Files of approved answers: what is written is read back, what is wrong is told by its line."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.knowledge import files
from chat.knowledge.files import Contents, Entry, Fail, Fault, FileRefused, read

TEA = Entry(("How long?", "how long does it take"), "Three days.", "time", "delivery")


def _read(text: str, name: str = "a.jsonl", encoding: str = "utf-8") -> Contents:
    return read(text.encode(encoding), name)


def _without_lines(contents: Contents) -> list[Entry]:
    assert contents.fails == ()
    return [replace(each, line=0) for each in contents.entries]


line = st.text(
    st.characters(
        exclude_categories=["Cs"], exclude_characters="\x00\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    ),
    min_size=1,
    max_size=20,
).filter(lambda text: text == text.strip())
entries = st.lists(
    st.builds(
        Entry,
        st.lists(line, min_size=1, max_size=3).map(tuple),
        st.one_of(line, st.builds("{}\n{}".format, line, line)),
        line,
        line,
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each.key,
)


@given(entries)
def test_jsonl_is_read_back_as_it_was(some: list[Entry]) -> None:
    assert _without_lines(_read("".join(files.jsonl(some)))) == some


@given(entries)
def test_csv_is_read_back_as_it_was(some: list[Entry]) -> None:
    assert _without_lines(_read("".join(files.csv_lines(some)), "a.csv")) == some


@pytest.mark.parametrize("begin", ["=1+1", "+49", "-5", "@SUM(A1)", "'=1", "＝1"])
def test_no_cell_of_a_csv_file_is_a_formula(begin: str) -> None:
    entry = Entry((begin,), f"{begin} euros", begin, begin)

    text = "".join(files.csv_lines([entry]))

    assert f"'{begin}" in text
    assert all(not cell.startswith(begin) for cell in text.splitlines()[1].split(","))
    assert _without_lines(_read(text, "a.csv")) == [entry]


def test_a_json_list_is_read() -> None:
    rows = [{"questions": "How long?", "answer": "Three days."}, {"questions": [], "answer": "a"}]

    contents = _read(json.dumps(rows), "a.json")

    assert contents.entries == (Entry(("How long?",), "Three days.", line=1),)
    assert contents.fails == (Fail(2, Fault.NO_QUESTION),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_spreadsheets_of_all_lands_are_read(encoding: str, separator: str) -> None:
    rows = [
        ["主题", "问题", "question_2", "答案"],
        ["配送", '"多久？\n几天到"', "要等几天", "三天。"],
    ]
    text = "\r\n".join(separator.join(row) for row in rows)

    assert _without_lines(_read(text, "A.CSV", encoding)) == [
        Entry(("多久？", "几天到", "要等几天"), "三天。", "", "配送")
    ]


def test_every_row_that_is_wrong_is_told_by_its_line() -> None:
    good = json.dumps({"key": "k", "questions": ["q"], "answer": "a"})
    lines = [
        good, "", "{", "5", '{"questions": [5], "answer": "a"}', '{"questions": ["q"]}',
        '{"questions": [" "], "answer": "a"}', '{"questions": ["\\ud800"], "answer": "a"}',
        '{"questions": {"a": 1}, "answer": "a"}', "[" * 5 + good, good, "9" * 5000,
    ]  # fmt: skip

    contents = _read("\n".join(lines))

    assert len(contents.entries) == 1
    assert [(fail.line, fail.fault) for fail in contents.fails] == [
        (3, Fault.JSON), (4, Fault.NO_OBJECT), (5, Fault.NO_TEXT), (6, Fault.NO_ANSWER),
        (7, Fault.NO_QUESTION), (8, Fault.NO_TEXT), (9, Fault.NO_TEXT), (10, Fault.JSON),
        (11, Fault.SAME_KEY), (12, Fault.JSON),
    ]  # fmt: skip


def test_a_csv_row_is_told_by_the_line_it_begins_in() -> None:
    text = 'question,answer\n"two\nlines",yes\n,no question\n'

    contents = _read(text, "a.csv")

    assert contents.entries == (Entry(("two", "lines"), "yes", line=2),)
    assert contents.fails == (Fail(4, Fault.NO_QUESTION),)


@pytest.mark.parametrize(
    ("data", "name", "fault"),
    [
        (b"", "a.jsonl", Fault.EMPTY),
        (b"question,answer\n", "a.csv", Fault.EMPTY),
        (b"question,reply\n1,2\n", "a.csv", Fault.COLUMNS),
        (b"answer\n1\n", "a.csv", Fault.COLUMNS),
        (b"[1, ", "a.json", Fault.JSON),
        (b"\xff\xfe\x00\x00\x01", "a.csv", Fault.ENCODING),
        (b"a\x00b", "a.jsonl", Fault.ENCODING),
        (b"question,answer\n" + b"x" * 200_000, "a.csv", Fault.CSV),
        (b" " * (files.LARGEST_FILE + 1), "a.jsonl", Fault.TOO_LARGE),
        (b"{}\n" * (files.MOST_ROWS + 1), "a.jsonl", Fault.TOO_MANY),
        (b"[" * 100_000, "a.json", Fault.JSON),
    ],
)
def test_what_is_no_file_of_answers_is_refused(data: bytes, name: str, fault: Fault) -> None:
    with pytest.raises(FileRefused) as refused:
        read(data, name)

    assert refused.value.fault == fault


def test_as_many_problems_as_anybody_reads_are_kept() -> None:
    assert len(read(b"{}\n" * 500, "a.jsonl").fails) == files.MOST_PROBLEMS


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.jsonl"]))
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    try:
        contents = read(data, name)
    except FileRefused:
        return
    assert contents.entries or contents.fails

"""Files of conversations: what is written is read back, what is wrong is told by its line."""

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.formats import (
    Contents,
    Entry,
    Fail,
    Fault,
    FileRefused,
    Format,
    Turn,
    labels,
    read,
    written,
)
from training.formats import entries as limits

ASKED, SAID = Turn("user", "How long?"), Turn("assistant", "Three days.")
PAIR = Entry((ASKED, SAID))
DIALOGUE = Entry((ASKED, SAID, Turn("user", "And to Bern?"), Turn("assistant", "Six.")))
CHINESE = (
    Turn("user", "我的订单什么时候到?"),
    Turn("assistant", "请提供订单号。"),
    Turn("user", "123"),
    Turn("assistant", "您可通过订单页查询。"),
)


def _read(rows: Any, name: str = "a.json") -> Contents:
    text = rows if isinstance(rows, str) else json.dumps(rows, ensure_ascii=False)
    return read(text.encode(), name)


def _turns(rows: Any, name: str = "a.json") -> list[tuple[Turn, ...]]:
    contents = _read(rows, name)
    assert contents.fails == ()
    return [each.turns for each in contents.entries]


def _sheet(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


# What others write


@pytest.mark.parametrize(
    ("context", "turns"),
    [
        ("用户:我的订单什么时候到?\n客服:", [CHINESE[0]]),
        ("用户：我的订单什么时候到?\n客服：请提供订单号。\n用户：123\n客服：", list(CHINESE[:3])),
        ("用户: 我的订单什么时候到?\r\n客服 :请提供订单号。\r\n用户:123", list(CHINESE[:3])),
        ("User: How long?\nAgent:", [ASKED]),
        ("customer: How long?\nASSISTANT: Three days.\nCustomer: And?", [
            ASKED, SAID, Turn("user", "And?"),
        ]),
        ("How long?", [ASKED]),
        ("顾客:第一行\n第二行\n客服:", [Turn("user", "第一行\n第二行")]),
        ("用户:在吗\n用户:有人吗\n客服:", [Turn("user", "在吗\n有人吗")]),
        ("客服:您好\n用户:在吗\n客服:", [Turn("user", "在吗")]),
    ],
)  # fmt: skip
def test_labelled_contexts_are_read(context: str, turns: list[Turn]) -> None:
    answer = Turn("assistant", "您可通过订单页查询。")
    rows = [{"context": context, "response": answer.content}]

    assert _turns(rows) == [(*turns, answer)]
    assert _read(rows).format is Format.CONTEXT


@pytest.mark.parametrize(
    ("row", "entry", "form"),
    [
        (
            {"messages": [
                {"role": "system", "content": "Be brief."}, {"role": "user", "content": "How long?"},
                {"role": "assistant", "content": "Three days."},
            ]},
            PAIR, Format.MESSAGES,
        ),
        (
            {"conversations": [
                {"from": "system", "value": "x"}, {"from": "human", "value": "How long?"},
                {"from": "gpt", "value": "Three days."}, {"from": "human", "value": "And to Bern?"},
                {"from": "gpt", "value": "Six."},
            ], "system": "x"},
            DIALOGUE, Format.SHAREGPT,
        ),
        ({"instruction": "How", "input": "long?", "output": "Three days."},
         Entry((Turn("user", "How\nlong?"), SAID)), Format.ALPACA),
        ({"instruction": "And to Bern?", "input": "", "output": "Six.",
          "history": [["How long?", "Three days."]]}, DIALOGUE, Format.ALPACA),
        ({"question": "How long?", "answer": "Three days.", "intent": "time", "category": "ORDER",
          "lang": "zh-CN", "license": "MIT", "handoff": "yes", "split": "test_paraphrase"},
         Entry((ASKED, SAID), "time", "order", "zh-hans", "", "MIT", True, "test"),
         Format.MESSAGES),
        ({"question": "How long?", "answer": "Three days.", "split": "validation", "lang": None},
         replace(PAIR, split="dev"), Format.MESSAGES),
    ],
)  # fmt: skip
def test_every_shape_is_told_by_its_names(row: Any, entry: Entry, form: Format) -> None:
    for contents in (_read([row]), _read(json.dumps(row) + "\n", "a.jsonl")):
        assert contents == Contents((replace(entry, line=1),), (), form)


def test_questions_with_one_answer_are_conversations_each() -> None:
    row = {"questions": ["How long?", " ", "how long"], "answer": "Three days.", "key": "time"}

    entries = _read([row]).entries

    assert [(each.turns[0].content, each.group) for each in entries] == [
        ("How long?", "time"), ("how long", "time"),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_of_all_lands_are_read(encoding: str, separator: str) -> None:
    rows = [["问题", "答案", "场景", "转人工"], ["多久？", "三天。", "物流", "是"]]
    text = "\r\n".join(separator.join(row) for row in rows)

    assert read(text.encode(encoding), "A.CSV").entries == (
        Entry(
            (Turn("user", "多久？"), Turn("assistant", "三天。")),
            scenario="物流", hands_over=True, line=2,
        ),
    )  # fmt: skip


def test_a_sheet_is_read_whatever_its_cells_are() -> None:
    data = _sheet(
        [["Question", "ANSWER", None, "group"], ["How many?", 3, None, 7.0], [], [1, 2.5]]
    )

    contents = read(data, "a.xlsx")

    assert contents == Contents(
        (
            Entry((Turn("user", "How many?"), Turn("assistant", "3")), group="7", line=2),
            Entry((Turn("user", "1"), Turn("assistant", "2.5")), line=4),
        ),
        (),
        Format.XLSX,
    )
    assert read(data, "renamed.csv") == contents


# What is written is read


def _text(*, most: int = 20) -> st.SearchStrategy[str]:
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
    labelled = st.sampled_from(
        ["用户:", " Agent: x", "=1+1", "'=2", "_x000D_", "a\nUser: b", "\ufeff"]
    )
    return (
        st.lists(st.one_of(st.text(characters, max_size=most), labelled), min_size=1, max_size=3)
        .map("".join)
        .map(str.strip)
        .filter(bool)
    )


def _word() -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), _text(most=5).map(lambda text: " ".join(text.split()).lower()))


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    turns = []
    for _count in range(draw(st.integers(1, 3))):
        turns += [Turn("user", draw(_text())), Turn("assistant", draw(_text()))]
    return Entry(
        tuple(turns),
        group=draw(_word()),
        scenario=draw(_word()),
        locale=draw(st.sampled_from(["", "en", "zh-hans"])),
        source=draw(_word()),
        licence=draw(_word()),
        hands_over=draw(st.booleans()),
        split=draw(st.sampled_from(["", "train", "dev", "test"])),
    )


@pytest.mark.parametrize("form", Format)
@settings(max_examples=25)
@given(some=st.lists(entries(), min_size=1, max_size=3))
def test_every_format_is_read_back_as_it_was(form: Format, some: list[Entry]) -> None:
    contents = read(b"".join(written(some, form)), f"a.{form.suffix}")

    assert contents.fails == ()
    assert contents.format is form
    assert [replace(each, line=0) for each in contents.entries] == some


@pytest.mark.parametrize("form", Format)
def test_of_nothing_nothing_is_written(form: Format) -> None:
    with pytest.raises(FileRefused) as refused:
        read(b"".join(written([], form)), f"a.{form.suffix}")

    assert refused.value.fault is Fault.EMPTY


@pytest.mark.parametrize("begin", ["=1+1", "+49", "-5", "@SUM(A1)", "'=1", "＝1", "\t=1", "\r=1"])
def test_no_cell_that_is_written_is_a_formula(begin: str) -> None:
    entry = Entry((Turn("user", begin), Turn("assistant", f"{begin} euros")), begin, begin)

    text = b"".join(written([entry], Format.CSV)).decode()
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(written([entry], Format.XLSX)))).active

    assert f"'{begin}" in text
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(str(cell.value).startswith(begin) for cell in cells)


@given(text=_text(), locale=st.sampled_from(["en", "zh-hans"]))
def test_what_looks_like_a_label_stays_what_was_said(text: str, locale: str) -> None:
    turns = [Turn("user", text), Turn("assistant", text), Turn("user", text)]

    assert labels.parse(labels.written(turns, locale)) == turns
    assert labels.parse(labels.to_answer(turns, locale)) == turns


# What is wrong


def test_every_row_that_is_wrong_is_told_by_its_line() -> None:
    good = json.dumps({"question": "q", "answer": "a"})
    wrong: list[tuple[str, Fault]] = [
        ("{", Fault.JSON),
        ("5", Fault.NO_OBJECT),
        ("{}", Fault.SHAPE),
        ('{"messages": 5}', Fault.SHAPE),
        ('{"messages": ["a"]}', Fault.SHAPE),
        ('{"messages": [{"role": "tool", "content": "a"}]}', Fault.ROLE),
        ('{"messages": [{"role": "user", "content": 5}]}', Fault.NO_TEXT),
        ('{"messages": [{"role": "user", "content": "a\\u0000"}]}', Fault.NO_TEXT),
        ('{"messages": []}', Fault.NO_QUESTION),
        ('{"messages": [{"role": "user", "content": "a"}]}', Fault.NO_ANSWER),
        ('{"messages": [{"role": "assistant", "content": "a"}]}', Fault.NO_QUESTION),
        ('{"question": " ", "answer": "a"}', Fault.NO_QUESTION),
        ('{"question": ["\\ud800"], "answer": "a"}', Fault.NO_TEXT),
        ('{"question": "q", "answer": " "}', Fault.NO_ANSWER),
        ('{"question": "q", "answer": "a", "locale": "fr"}', Fault.LOCALE),
        ('{"question": "q", "answer": "a", "split": "later"}', Fault.SPLIT),
        ('{"question": "q", "answer": "a", "hands_over": "perhaps"}', Fault.NO_TEXT),
        ('{"question": "q", "answer": "a", "group": 5}', Fault.NO_TEXT),
        ('{"instruction": "q", "output": "a", "history": [["b"]]}', Fault.SHAPE),
        ('{"context": "said before\\nUser: q\\nAgent:", "response": "a"}', Fault.ROLE),
        (json.dumps({"question": "q" * 4_001, "answer": "a"}), Fault.TOO_LONG),
        (json.dumps({"conversations": [
            {"from": name, "value": "x"} for _turn in range(51) for name in ("user", "bot")
        ]}), Fault.TOO_LONG),
        ("9" * 5_000, Fault.JSON),
    ]  # fmt: skip

    contents = _read("\n".join([good, "", *(line for line, _fault in wrong)]), "a.jsonl")

    assert len(contents.entries) == 1
    assert list(contents.fails) == [
        Fail(place, fault) for place, (_line, fault) in enumerate(wrong, 3)
    ]


def _packed(parts: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "fault"),
    [
        (b"", "a.jsonl", Fault.EMPTY),
        (b"question,answer\n", "a.csv", Fault.EMPTY),
        (b"question,comment\n1,2\n", "a.csv", Fault.COLUMNS),
        (b"[1, ", "a.json", Fault.JSON),
        (b"[" * 100_000, "a.json", Fault.JSON),
        (b"a\x00b", "a.jsonl", Fault.ENCODING),
        (b"question,answer\n" + b"x" * 200_000, "a.csv", Fault.CSV),
        (b" " * (limits.LARGEST_FILE + 1), "a.jsonl", Fault.TOO_LARGE),
        (b"{}\n" * (limits.MOST_ROWS + 1), "a.jsonl", Fault.TOO_MANY),
        (b"no zip", "a.xlsx", Fault.XLSX),
        (_packed({"xl/workbook.xml": b"<x/>"}), "a.xlsx", Fault.XLSX),
        (_packed({str(n): b"" for n in range(1_001)}), "a.xlsx", Fault.TOO_LARGE),
        (_packed({"xl/bomb.xml": bytes(210 * 1024 * 1024)}), "a.xlsx", Fault.TOO_LARGE),
        (_sheet([["q", "a"]]), "a.xlsx", Fault.COLUMNS),
        (_sheet([]), "a.xlsx", Fault.COLUMNS),
        (_sheet([["question", "answer"]])[:-30], "a.xlsx", Fault.XLSX),
    ],
)
def test_what_is_no_file_of_conversations_is_refused(data: bytes, name: str, fault: Fault) -> None:
    with pytest.raises(FileRefused) as refused:
        read(data, name)

    assert refused.value.fault == fault


def test_a_sheet_that_names_entities_brings_none_of_them() -> None:
    data = io.BytesIO(_sheet([["question", "answer"], ["q", "a"]]))
    with zipfile.ZipFile(data) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    bomb = b'<!DOCTYPE x [<!ENTITY a "' + b"b" * 1000 + b'">'
    bomb += b"".join(
        b'<!ENTITY %c "%s">' % (ord("b") + n, b"&%c;" % (ord("a") + n) * 20) for n in range(6)
    )
    parts[sheet] = bomb + b"]>" + parts[sheet].replace(b"<sheetData>", b"<sheetData>&g;")

    with pytest.raises(FileRefused) as refused:
        read(_packed(parts), "a.xlsx")

    assert refused.value.fault is Fault.XLSX


def test_as_many_problems_as_anybody_reads_are_kept() -> None:
    assert len(read(b"{}\n" * 500, "a.jsonl").fails) == limits.MOST_PROBLEMS


@given(data=st.binary(max_size=200), name=st.sampled_from(["a.csv", "a.jsonl", "a.xlsx", "a"]))
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    try:
        contents = read(data, name)
    except FileRefused:
        return
    assert contents.entries or contents.fails


@given(
    row=st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(
                    ["messages", "role", "content", "context", "response", "conversations", "from",
                     "value", "instruction", "output", "history", "question", "answer", "group"]
                ),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=8,
    )
)  # fmt: skip
def test_any_json_is_read_or_told(row: Any) -> None:
    contents = _read([row])

    assert contents.entries or contents.fails

"""One conversation as an object, in each of the shapes that people keep them in.

The shapes are told apart by their names, row by row:

- ``{"messages": [{"role", "content"}]}``
- ``{"context": "用户:…\\n客服:", "response": "…"}``
- ShareGPT ``{"conversations": [{"from", "value"}]}``
- Alpaca ``{"instruction", "input", "output", "history": [[question, answer]]}``
- ``{"question", "answer"}``, or ``questions`` with several that have one answer

Beside them may stand ``group``, ``scenario``, ``locale``, ``source``, ``licence``,
``hands_over`` and ``split``. What a system message says is left out: instructions belong to the
bot, and are put in front when a model learns as when it answers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from training.formats import labels
from training.formats.entries import (
    LOCALES,
    LONGEST_LABEL,
    LONGEST_SOURCE,
    SPLITS,
    Entry,
    Fault,
    Format,
    Role,
    RowRefused,
    Turn,
    conversation,
    is_text,
)

Row = Mapping[str, Any]

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("user", "human", "customer", "client", "visitor", "用户", "客户", "顾客"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "chatgpt", "bot", "agent", "model", "客服", "助手"), "assistant"
    ),
}  # fmt: skip
_NAMES = {
    "group": ("group", "intent", "key", "答案组"),
    "scenario": ("scenario", "category", "topic", "场景", "主题"),
    "locale": ("locale", "lang", "language", "语言"),
    "source": ("source", "来源"),
    "licence": ("licence", "license", "许可"),
    "split": ("split", "划分"),
}
_HANDS_OVER = ("hands_over", "handoff", "转人工")
_LANGUAGES = {
    "zh": "zh-hans", "cn": "zh-hans", "zh-cn": "zh-hans", "zh-sg": "zh-hans", "中文": "zh-hans",
    "zh-hans-cn": "zh-hans", "en-us": "en", "en-gb": "en", "english": "en", "chinese": "zh-hans",
}  # fmt: skip
_DEV = ("dev", "val", "valid", "validation", "eval")
_YES = {"1", "true", "yes", "y", "是", "x"}
_NO = {"", "0", "false", "no", "n", "否"}


def entries_of(row: Row, line: int) -> tuple[list[Entry], Format]:
    """The conversations of a row. Raises :class:`RowRefused`."""
    about = _about(row)
    conversations, form = _turns(row, about.locale)
    return [replace(about, turns=conversation(turns), line=line) for turns in conversations], form


def row_of(entry: Entry, form: Format) -> dict[str, Any]:
    """The entry in the shape of ``form``, for :func:`entries_of` to read back."""
    *before, question, answer = entry.turns
    match form:
        case Format.CONTEXT:
            row: dict[str, Any] = {
                "context": labels.to_answer(entry.turns[:-1], entry.locale),
                "response": answer.content,
            }
        case Format.SHAREGPT:
            names = {"user": "human", "assistant": "gpt"}
            row = {
                "conversations": [
                    {"from": names[each.role], "value": each.content} for each in entry.turns
                ]
            }
        case Format.ALPACA:
            row = {"instruction": question.content, "input": "", "output": answer.content}
            if before:
                pairs = zip(before[::2], before[1::2], strict=True)
                row["history"] = [[asked.content, said.content] for asked, said in pairs]
        case _:
            row = {"messages": [each._asdict() for each in entry.turns]}
    return row | _written_about(entry)


def _turns(row: Row, locale: str) -> tuple[list[list[Turn]], Format]:
    if "messages" in row:
        return [_said(row["messages"], "role", "content")], Format.MESSAGES
    if "conversations" in row:
        return [_said(row["conversations"], "from", "value")], Format.SHAREGPT
    if "response" in row and "context" in row:
        turns = labels.parse(_text(row, "context"))
        return [[*turns, Turn("assistant", _text(row, "response"))]], Format.CONTEXT
    if "instruction" in row and "output" in row:
        return [_alpaca(row)], Format.ALPACA
    if "answer" in row:
        earlier = labels.parse(context) if (context := _text(row, "context")) else []
        answer = Turn("assistant", _text(row, "answer"))
        return [[*earlier, Turn("user", each), answer] for each in _questions(row)], Format.MESSAGES
    raise RowRefused(Fault.SHAPE)


def _said(items: Any, role: str, content: str) -> list[Turn]:
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        raise RowRefused(Fault.SHAPE)
    turns = []
    for each in items:
        name = str(each.get(role, "")).strip().lower()
        if name in ("system", "developer"):
            continue
        if name not in _ROLES:
            raise RowRefused(Fault.ROLE)
        turns.append(Turn(_ROLES[name], _text(each, content)))
    return turns


def _alpaca(row: Row) -> list[Turn]:
    history = row.get("history") or []
    if not isinstance(history, list) or not all(
        isinstance(each, list) and len(each) == 2 and all(map(is_text, each)) for each in history
    ):
        raise RowRefused(Fault.SHAPE)
    turns = []
    for asked, said in history:
        turns += [Turn("user", asked), Turn("assistant", said)]
    question = "\n".join(
        part for name in ("instruction", "input") if (part := _text(row, name).strip())
    )
    return [*turns, Turn("user", question), Turn("assistant", _text(row, "output"))]


def _questions(row: Row) -> Sequence[str]:
    several = row.get("questions") or row.get("question") or []
    questions = [several] if isinstance(several, str) else several
    if not isinstance(questions, list) or not all(map(is_text, questions)):
        raise RowRefused(Fault.NO_TEXT)
    if not any(each.strip() for each in questions):
        raise RowRefused(Fault.NO_QUESTION)
    return [each for each in questions if each.strip()]


def _about(row: Row) -> Entry:
    """Everything but the turns."""
    found = {field: _first(row, names) for field, names in _NAMES.items()}
    locale = found["locale"].lower().replace("_", "-")
    locale = _LANGUAGES.get(locale, locale)
    if locale not in ("", *LOCALES):
        raise RowRefused(Fault.LOCALE)
    return Entry(
        turns=(),
        group=found["group"][:LONGEST_LABEL],
        scenario=found["scenario"][:LONGEST_LABEL].lower(),
        locale=locale,
        source=found["source"][:LONGEST_SOURCE],
        licence=found["licence"][:LONGEST_LABEL],
        hands_over=_flag(row),
        split=_split(found["split"].lower()),
    )


def _split(name: str) -> str:
    """Benchmarks call their parts ``validation`` or ``test_paraphrase``."""
    if name in _DEV:
        return "dev"
    if name.startswith("test"):
        return "test"
    if name not in ("", *SPLITS):
        raise RowRefused(Fault.SPLIT)
    return name


def _flag(row: Row) -> bool:
    value = next((row[name] for name in _HANDS_OVER if row.get(name) is not None), False)
    text = str(value).strip().lower()
    if text not in _YES | _NO:
        raise RowRefused(Fault.NO_TEXT)
    return text in _YES


def _first(row: Row, names: Iterable[str]) -> str:
    return next((text for name in names if (text := " ".join(_text(row, name).split()))), "")


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not is_text(value):
        raise RowRefused(Fault.NO_TEXT)
    return str(value)


def _written_about(entry: Entry) -> dict[str, Any]:
    return dict(about(entry))


def about(entry: Entry) -> Iterator[tuple[str, Any]]:
    """What is known of an entry beside its turns, by name."""
    for name in _NAMES:
        if value := getattr(entry, name):
            yield name, value
    if entry.hands_over:
        yield "hands_over", True

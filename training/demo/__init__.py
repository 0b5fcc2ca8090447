"""What the demo bot learns from: questions, dialogues and unknown topics of the fictional shop.

The questions and dialogues name the approved answers of :mod:`chat.demo` by their key.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chat import demo
from chat.models.fields import LOCALES
from chat.services.knowledge import Draft
from chat.services.notices import notice_text
from training.formats import Entry, Turn
from training.models import Scenario

DATASET_SLUG = "lantern-and-leaf"
DATASET_NAME = demo.NAME
SOURCE = "csbot demo"
LICENCE = "MIT"

_FOLDER = Path(__file__).parent

Answers = Mapping[str, Draft]


def hand_over(locale: str) -> str:
    """What the bot says where no approved answer fits."""
    return notice_text("unanswered", locale)


def entries() -> Iterator[Entry]:
    """All conversations, in both languages. Raises ``KeyError`` for a key that has no answer."""
    for locale in LOCALES:
        answers = {each.key: each for each in demo.knowledge(locale)}
        yield from pairs(locale, answers)
        yield from dialogues(locale, answers)
        yield from unknown(locale)


def pairs(locale: str, answers: Answers) -> Iterator[Entry]:
    """One conversation a question."""
    for row in _rows(f"pairs.{locale}.jsonl"):
        answer = answers[row["key"]]
        for question in row["questions"]:
            yield _entry(
                [Turn("user", question), Turn("assistant", answer.text)],
                locale,
                group=row["key"],
                scenario=_scenario(answer.topic),
            )


def dialogues(locale: str, answers: Answers) -> Iterator[Entry]:
    """One conversation a dialogue; its last answer is what is learnt and measured."""
    for row in _rows(f"dialogues.{locale}.jsonl"):
        turns = []
        for turn in row["turns"]:
            turns += [
                Turn("user", turn["customer"]),
                Turn("assistant", _said(turn, locale, answers)),
            ]
        last = row["turns"][-1]
        yield _entry(
            turns,
            locale,
            group=last.get("answer", ""),
            scenario=row["scenario"],
            hands_over=last.get("hand_over", False),
        )


def unknown(locale: str) -> Iterator[Entry]:
    """Questions that no approved answer fits, near the shop and far from it."""
    near = [{"question": each, "kind": "near"} for each in demo.unanswered(locale)]
    for row in [*near, *_rows(f"unknown.{locale}.jsonl")]:
        is_near = row["kind"] == "near"
        yield _entry(
            [Turn("user", row["question"]), Turn("assistant", hand_over(locale))],
            locale,
            scenario=Scenario.CONSULTATION if is_near else Scenario.OTHER,
            hands_over=True,
        )


def _said(turn: Mapping[str, Any], locale: str, answers: Answers) -> str:
    if turn.get("hand_over"):
        return hand_over(locale)
    return str(turn["text"]) if "text" in turn else answers[turn["answer"]].text


def _scenario(topic: str) -> str:
    return topic if topic in Scenario.values else Scenario.CONSULTATION


def _entry(turns: list[Turn], locale: str, **fields: Any) -> Entry:
    return Entry(tuple(turns), locale=locale, source=SOURCE, licence=LICENCE, **fields)


def _rows(name: str) -> list[dict[str, Any]]:
    lines = (_FOLDER / name).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line]

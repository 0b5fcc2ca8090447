"""What a model could before it was tuned, and whether it still can: small general questions.

Only for models that write freely. One that was tuned to name an approved answer by its number
has nothing else to say, and is right to.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parent / "suites" / "forgetting.jsonl"

Ask = Callable[[str], str]
"""Asks the model itself, without knowledge or instructions."""


@dataclass(frozen=True, slots=True)
class General:
    """A question, and patterns of which an answer must hold one, whatever else it says."""

    locale: str
    question: str
    any_of: tuple[str, ...]

    def is_right(self, answer: str) -> bool:
        return any(re.search(pattern, answer, re.IGNORECASE) for pattern in self.any_of)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """``forgotten`` are the questions that only the base answered, ``learned`` the opposite."""

    asked: int
    base_right: int
    tuned_right: int
    forgotten: tuple[str, ...]
    learned: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def questions(place: Path = PLACE) -> list[General]:
    """The questions that ship with csbot."""
    rows = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    return [General(each["locale"], each["question"], tuple(each["any_of"])) for each in rows]


def skipped(reason: str) -> dict[str, str]:
    """What is stored where the suite means nothing."""
    return {"skipped": reason}


def try_out(
    base: Ask,
    tuned: Ask,
    asked: Sequence[General],
    advance: Callable[[], None] = lambda: None,
) -> Forgetting:
    """Ask both models everything. Raises :class:`~chat.inference.engine.EngineError`."""
    verdicts: list[tuple[General, bool, bool]] = []
    for each in asked:
        verdicts.append(
            (each, each.is_right(base(each.question)), each.is_right(tuned(each.question)))
        )
        advance()
    return Forgetting(
        asked=len(verdicts),
        base_right=sum(before for _, before, _ in verdicts),
        tuned_right=sum(after for _, _, after in verdicts),
        forgotten=tuple(each.question for each, before, after in verdicts if before and not after),
        learned=tuple(each.question for each, before, after in verdicts if after and not before),
    )

"""What a dataset is good for: how much of what is there, and what is wrong with it."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from chat.knowledge.questions import normalized
from training.frozen import FrozenRow
from training.quality import likeness
from training.quality.splitting import wording

RECOMMENDED_PAIRS = 2_000
RECOMMENDED_DIALOGUES = 500
FEWEST_QUESTIONS = 5
"""A group with fewer ways to ask is hardly learnt, and not measured."""

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Lengths:
    """Characters."""

    median: int = 0
    ninety_percent: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two questions that are nearly the same."""

    first: str
    second: str
    percent: int


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One question with several answers."""

    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Counts are of rows, unless they say something else; lists are the first of many."""

    rows: int = 0
    pairs: int = 0
    dialogues: int = 0
    hand_overs: int = 0
    groups: int = 0
    scenarios: Mapping[str, int] = field(default_factory=dict)
    locales: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)
    licences: Mapping[str, int] = field(default_factory=dict)
    small_groups: int = 0
    smallest_groups: tuple[tuple[str, int], ...] = ()
    uneven_groups: int = 0
    """With answers that differ: their rows have no one right answer."""
    near_duplicates: int = 0
    """Questions that were nearly asked by an earlier row already."""
    alike: tuple[Likeness, ...] = ()
    contradictions: int = 0
    contradicting: tuple[Contradiction, ...] = ()
    question_lengths: Lengths = Lengths()
    answer_lengths: Lengths = Lengths()
    unmasked: Mapping[str, int] = field(default_factory=dict)
    """Findings that masking would replace or block, by category."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` gave, after a database kept it."""
        kept = dict(data)
        for name in ("question_lengths", "answer_lengths"):
            kept[name] = Lengths(**kept.get(name, {}))
        kept["alike"] = tuple(Likeness(**each) for each in kept.get("alike", ()))
        kept["contradicting"] = tuple(
            Contradiction(each["question"], tuple(each["answers"]))
            for each in kept.get("contradicting", ())
        )
        kept["smallest_groups"] = tuple(map(tuple, kept.get("smallest_groups", ())))
        return cls(**kept)

    @property
    def hand_over_percent(self) -> float:
        return 100 * self.hand_overs / self.rows if self.rows else 0.0

    @property
    def pairs_percent(self) -> float:
        """Of what is recommended."""
        return min(100.0, 100 * self.pairs / RECOMMENDED_PAIRS)

    @property
    def dialogues_percent(self) -> float:
        return min(100.0, 100 * self.dialogues / RECOMMENDED_DIALOGUES)


def report(rows: Sequence[FrozenRow], unmasked: Mapping[str, int] | None = None) -> Report:
    """``unmasked`` is what :meth:`training.screening.Screen.left` found in them."""
    groups = _groups(rows)
    sizes = Counter({group: len(places) for group, places in groups.items()})
    small = sorted((size, group) for group, size in sizes.items() if size < FEWEST_QUESTIONS)
    alike, near = _alike(rows)
    contradicting = _contradicting(rows)
    return Report(
        rows=len(rows),
        pairs=sum(not row.is_dialogue for row in rows),
        dialogues=sum(row.is_dialogue for row in rows),
        hand_overs=sum(row.hands_over for row in rows),
        groups=len(groups),
        scenarios=_counted(row.scenario for row in rows),
        locales=_counted(row.locale for row in rows),
        sources=_counted(row.source for row in rows),
        licences=_counted(row.licence for row in rows),
        small_groups=len(small),
        smallest_groups=tuple(
            (f"{group} ({locale})", size) for size, (group, locale) in small[:SHOWN]
        ),
        uneven_groups=sum(
            len({normalized(rows[place].answer) for place in places}) > 1
            for places in groups.values()
        ),
        near_duplicates=near,
        alike=alike,
        contradictions=len(contradicting),
        contradicting=tuple(contradicting[:SHOWN]),
        question_lengths=_lengths([len(row.question) for row in rows]),
        answer_lengths=_lengths([len(row.answer) for row in rows]),
        unmasked=dict(unmasked or {}),
    )


def _groups(rows: Sequence[FrozenRow]) -> dict[tuple[str, str], list[int]]:
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row.group:
            groups[row.group, row.locale].append(place)
    return groups


def _alike(rows: Sequence[FrozenRow]) -> tuple[tuple[Likeness, ...], int]:
    texts = [wording(row) for row in rows]
    shown: list[Likeness] = []
    later: set[int] = set()
    for pair in likeness.pairs(texts):
        if rows[pair.first].is_dialogue is not rows[pair.second].is_dialogue:
            continue
        later.add(pair.second)
        if len(shown) < SHOWN:
            percent = round(100 * pair.likeness)
            shown.append(Likeness(texts[pair.first], texts[pair.second], percent))
    return tuple(shown), len(later)


def _contradicting(rows: Sequence[FrozenRow]) -> list[Contradiction]:
    """The same said before, and another answer. Hand-overs are one answer, however they are put."""
    answers: dict[tuple[str, ...], dict[str, FrozenRow]] = defaultdict(dict)
    for row in rows:
        asked = tuple(normalized(each["content"]) for each in row.messages[:-1])
        said = "" if row.hands_over else normalized(row.answer)
        answers[row.locale, *asked].setdefault(said, row)
    return [
        Contradiction(
            next(iter(each.values())).question, tuple(row.answer for row in each.values())
        )
        for each in answers.values()
        if len(each) > 1
    ]


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda each: (-each[1], each[0])))


def _lengths(values: Sequence[int]) -> Lengths:
    if not values:
        return Lengths()
    ordered = sorted(values)
    return Lengths(
        round(statistics.median(ordered)), ordered[int(0.9 * (len(ordered) - 1))], ordered[-1]
    )

"""Two sets of answers to the same questions, side by side: what a new model changed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from training.evaluation.intervals import Interval, wilson
from training.evaluation.judging import Outcome


class Change(StrEnum):
    """What became of one answer that is not the same as before."""

    BETTER = "better"
    BROKE = "broke"
    BOTH_WRONG = "both_wrong"
    BOTH_RIGHT = "both_right"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer as it is compared, from a measurement or from the database.

    ``digest`` names the question with all that was said before it. ``outcome`` may be any of
    :class:`Outcome`; handing over counts as not right where an answer exists.
    """

    digest: str
    scenario: str
    question: str
    expected: str
    given: str
    outcome: str

    @property
    def is_right(self) -> bool:
        return self.outcome == Outcome.RIGHT


@dataclass(frozen=True, slots=True)
class Changed:
    """One question that is answered differently now."""

    before: Answered
    after: Answered
    change: Change


@dataclass(frozen=True, slots=True)
class ScenarioChange:
    """Right answers of one scenario among the ``total`` questions that both were asked."""

    scenario: str
    total: int
    right_before: int
    right_after: int

    @property
    def before(self) -> float:
        return self.right_before / self.total

    @property
    def after(self) -> float:
        return self.right_after / self.total

    @property
    def interval(self) -> Interval:
        return wilson(self.right_after, self.total)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``total`` questions are in both; ``only_before`` and ``only_after`` in one of them."""

    total: int
    right_before: int
    right_after: int
    scenarios: tuple[ScenarioChange, ...]
    changed: tuple[Changed, ...]
    only_before: int
    only_after: int


def compare(before: Sequence[Answered], after: Sequence[Answered]) -> Comparison:
    """The questions that both sets have, by scenario, and every changed answer.

    A question that stands in a set more than once is compared once, by its last answer.
    """
    earlier = {each.digest: each for each in before}
    later = {each.digest: each for each in after}
    pairs = [(earlier[digest], each) for digest, each in later.items() if digest in earlier]
    changed = [
        Changed(old, new, change(old, new))
        for old, new in pairs
        if old.given.strip() != new.given.strip() or old.outcome != new.outcome
    ]
    return Comparison(
        total=len(pairs),
        right_before=sum(old.is_right for old, _ in pairs),
        right_after=sum(new.is_right for _, new in pairs),
        scenarios=tuple(_scenarios(pairs)),
        changed=tuple(changed),
        only_before=len(earlier.keys() - later.keys()),
        only_after=len(later.keys() - earlier.keys()),
    )


def change(before: Answered, after: Answered) -> Change:
    """In which way an answer changed."""
    if before.is_right == after.is_right:
        return Change.BOTH_RIGHT if after.is_right else Change.BOTH_WRONG
    return Change.BETTER if after.is_right else Change.BROKE


def _scenarios(pairs: Iterable[tuple[Answered, Answered]]) -> Iterable[ScenarioChange]:
    parts: defaultdict[str, list[tuple[Answered, Answered]]] = defaultdict(list)
    for pair in pairs:
        parts[pair[1].scenario].append(pair)
    for scenario, some in sorted(parts.items()):
        yield ScenarioChange(
            scenario,
            len(some),
            sum(old.is_right for old, _ in some),
            sum(new.is_right for _, new in some),
        )

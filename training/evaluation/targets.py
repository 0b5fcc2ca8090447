"""What a model has to reach before it is worth serving, and whether it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCURACY = 0.95
UNKNOWN_WRONG = 0.05
FOLLOW_UP = 0.85
BLEU = 0.35
P99_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Target:
    """One figure and its limit. ``value`` is None where nothing was measured.

    ``unit`` is ``share``, ``score``, ``seconds`` or ``count``; ``low``, ``high`` are its interval.
    """

    name: str
    value: float | None
    limit: float
    is_lower_better: bool = False
    unit: str = "share"
    low: float | None = None
    high: float | None = None
    total: int | None = None

    @property
    def is_met(self) -> bool | None:
        """None where nothing was measured."""
        if self.value is None:
            return None
        return self.value <= self.limit if self.is_lower_better else self.value >= self.limit


def targets(figures: Mapping[str, Any], suites: Mapping[str, Any]) -> list[Target]:
    """The figures of an evaluation as it is stored, beside what they should be."""
    if not figures:
        return []
    accuracy, unknown, follow_up = (figures[name] for name in ("accuracy", "unknown", "follow_up"))
    low, high = unknown["interval"]
    found = [
        _share("accuracy", accuracy, ACCURACY),
        Target(
            "unknown_wrong", unknown["wrong_rate"], UNKNOWN_WRONG, is_lower_better=True,
            low=1 - high, high=1 - low, total=unknown["total"],
        ),
        _share("follow_up", follow_up, FOLLOW_UP),
        # The worse of the languages: one must not hide the other.
        Target(
            "bleu", min((each["score"] for each in figures["bleu"].values()), default=None), BLEU,
            unit="score",
        ),
        Target(
            "p99", figures["speed"]["p99"], P99_SECONDS, is_lower_better=True, unit="seconds",
            total=figures["questions"],
        ),
    ]  # fmt: skip
    if safety := suites.get("safety"):
        found.append(
            Target(
                "breaches", float(len(safety["breaches"])), 0, is_lower_better=True, unit="count",
                total=safety["total"],
            )
        )  # fmt: skip
    return found


def _share(name: str, accuracy: Mapping[str, Any], limit: float) -> Target:
    low, high = accuracy["interval"]
    return Target(name, accuracy["rate"], limit, low=low, high=high, total=accuracy["total"])

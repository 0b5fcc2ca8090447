"""How far an exported model is from the one that was trained, and which export to serve.

A precision is chosen per model by what its answers are worth, not by habit: round-to-nearest
int4 leaves the text of a small model within a few words, and whether that matters depends on what
the model was tuned to say.
"""

import re
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

TOLERANCE = 0.01
"""How many of the held-out answers an export may get wrong that the best one gets right."""

_CITATION = re.compile(r"\s*(\d{1,2})\b")


class NoUsableExport(Exception):
    """Every export answers worse than the trained weights; safe to show."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The same prompts through torch and through an export.

    ``first_divergence`` is the median number of characters that texts which differ have in
    common. ``same_decisions`` is the share of prompts where both name the same approved answer; None
    where torch named none at all.
    """

    prompts: int
    identical: float
    first_divergence: float | None
    same_decisions: float | None


@dataclass(frozen=True, slots=True)
class Tried:
    """One export. ``right`` is the share of dev questions dealt with rightly: answered, or handed
    over where nothing approved fits. ``size`` is in bytes, ``seconds`` the mean of an answer."""

    precision: str
    size: int
    right: float
    seconds: float
    tokens_per_second: float | None
    parity: Parity

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def parity(reference: Sequence[str], exported: Sequence[str]) -> Parity:
    """Compare what torch wrote with what an export wrote, prompt by prompt."""
    pairs = [(said.strip(), got.strip()) for said, got in zip(reference, exported, strict=True)]
    shared = [_shared(*pair) for pair in pairs if pair[0] != pair[1]]
    decisions = [
        decision(got) == decision(said) for said, got in pairs if decision(said) is not None
    ]
    return Parity(
        prompts=len(pairs),
        identical=sum(said == got for said, got in pairs) / len(pairs) if pairs else 1.0,
        first_divergence=statistics.median(shared) if shared else None,
        same_decisions=sum(decisions) / len(decisions) if decisions else None,
    )


def _shared(said: str, got: str) -> int:
    """How many characters they begin with together."""
    unlike = (
        place for place, (one, other) in enumerate(zip(said, got, strict=False)) if one != other
    )
    return next(unlike, min(len(said), len(got)))


def decision(text: str) -> int | None:
    """The number of the approved answer that a text begins with; None for free words."""
    found = _CITATION.match(text)
    return int(found[1]) if found else None


def choose(tried: Sequence[Tried], *, reference: float, tolerance: float = TOLERANCE) -> Tried:
    """The smallest export that is right nearly as often as the best.

    ``reference`` is the share of the trained weights. Raises :class:`NoUsableExport`.
    """
    best = max([reference, *(each.right for each in tried)])
    for each in sorted(tried, key=lambda each: (each.size, each.seconds)):
        if is_close(each.right, best, tolerance):
            return each
    found = ", ".join(f"{each.precision} {each.right:.1%}" for each in tried) or "none"
    raise NoUsableExport(
        f"No export answers as well as the trained weights ({reference:.1%} right): {found}."
    )


def is_close(right: float, best: float, tolerance: float = TOLERANCE) -> bool:
    """Whether a share is within ``tolerance`` of the best one."""
    return right >= best - tolerance - 1e-9

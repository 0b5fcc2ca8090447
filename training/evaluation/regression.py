"""Questions whose bad answers people put right: whether a model needs their help any more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from training.evaluation.judging import judge
from training.evaluation.responding import Response
from training.frozen import FrozenRow


@dataclass(frozen=True, slots=True)
class Case:
    """A corrected question with the right answer; ``id`` is the correction's."""

    id: str
    row: FrozenRow


def try_out(
    unaided: Callable[[FrozenRow], Response],
    cases: Sequence[Case],
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Ask each case of a system that does not know its wording: ids by whether it was right.

    ``advance`` is called after each. Raises :class:`~chat.inference.engine.EngineError`.
    """
    right: list[str] = []
    not_right: list[str] = []
    for case in cases:
        is_right = judge(case.row, unaided(case.row)).is_right
        (right if is_right else not_right).append(case.id)
        advance()
    return {"total": len(cases), "right": right, "not_right": not_right}

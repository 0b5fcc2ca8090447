"""What stands in a text instead of what was found in it."""

from collections.abc import Callable, Iterable

from moderation.findings import Action, Family, Finding
from moderation.injection import CONTROL_TOKEN, neutralized

_MASKED = (Action.MASK, Action.BLOCK)

Numbering = Callable[[Finding], int]
"""The number of a finding's value among the values of its kind, from 1."""


def numbered() -> Numbering:
    """Numbers in the order of appearance: equal values of a kind have equal numbers."""
    numbers: dict[str, dict[str, int]] = {}

    def number(finding: Finding) -> int:
        values = numbers.setdefault(finding.category, {})
        return values.setdefault(finding.value, len(values) + 1)

    return number


def masked(text: str, findings: Iterable[Finding], number: Numbering | None = None) -> str:
    """``text`` with every finding that is masked or blocked replaced.

    Personal data becomes a placeholder such as ``[PHONE_1]``, forbidden words asterisks,
    control tokens of chat templates harmless look-alikes. ``findings`` are in order of their
    start; where two overlap, the later one loses what the earlier one covers.
    """
    number = number or numbered()
    parts: list[str] = []
    done = 0
    for finding in findings:
        if finding.action not in _MASKED or finding.end <= done:
            continue
        start = max(finding.start, done)
        parts += [text[done:start], substitute(text[start : finding.end], finding, number)]
        done = finding.end
    return "".join([*parts, text[done:]])


def substitute(piece: str, finding: Finding, number: Numbering) -> str:
    """What is shown instead of ``piece``, the text of ``finding``."""
    if finding.family is Family.PERSONAL:
        return placeholder(finding.category, number(finding))
    if finding.category == CONTROL_TOKEN:
        return neutralized(piece)
    return "*" * len(piece)


def placeholder(kind: str, number: int) -> str:
    """``[PHONE_1]`` for the first phone number."""
    return f"[{kind.upper()}_{number}]"

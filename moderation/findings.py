"""What moderation says about a text: findings, and the verdict that follows from them."""

import enum
from dataclasses import dataclass, field


class Action(enum.StrEnum):
    """What happens to a text, from nothing to everything. Compare with :meth:`severity`."""

    ALLOW = "allow"
    MASK = "mask"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def severity(self) -> int:
        return _SEVERITY[self]


_SEVERITY = {action: rank for rank, action in enumerate(Action)}


class Direction(enum.StrEnum):
    """Whose text it is, and where it goes."""

    INBOUND = "inbound"
    """What a customer writes: messages, names, comments."""
    OUTBOUND = "outbound"
    """What a bot says: generated, curated or cached."""
    AGENT = "agent"
    """What a person of the company writes to a customer."""
    TRAINING = "training"
    """What may become a training example: the strictest of all."""


class Family(enum.StrEnum):
    """What kind of check found something."""

    WORD = "word"
    PERSONAL = "personal"
    INJECTION = "injection"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One span of the original text, ``text[start:end]``, and what to do about it.

    ``category`` is the word's category (``abuse``) or the kind of personal data (``phone``).
    ``rule`` names what found it. ``value`` is the canonical form, the same for every way of
    writing it: it is personal data, so it is kept out of ``repr`` and never logged.
    """

    start: int
    end: int
    family: Family
    category: str
    rule: str
    action: Action
    value: str = field(repr=False)
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The strictest action of all findings, and the text as it may be stored and shown.

    In ``text`` personal data is replaced by placeholders and forbidden words by asterisks.
    When ``action`` is block, the text must not go further, masked or not.
    """

    action: Action
    text: str = field(repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def is_blocked(self) -> bool:
        return self.action is Action.BLOCK

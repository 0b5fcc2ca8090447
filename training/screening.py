"""What must not be learnt: personal data becomes placeholders, forbidden words and attacks keep an
example out. Both sides of a conversation are checked, by the rules for training data. Pure."""

import functools
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from chat.inference.engine import ChatMessage
from moderation import injection, pipeline
from moderation.findings import Action, Direction, Family, Finding
from moderation.injection import CONTROL_TOKEN
from moderation.masking import masked, numbered
from moderation.policy import Policy

_REMEMBERED_TEXTS = 20_000


@dataclass(frozen=True, slots=True)
class Screened:
    """A conversation as it may be kept.

    ``replaced`` counts what was replaced in it by category, ``blocked`` names what it must not
    be kept for.
    """

    messages: tuple[ChatMessage, ...]
    replaced: Counter[str]
    blocked: tuple[str, ...] = ()


class Screen:
    """Checks conversations by one policy.

    ``approved`` are answers that people approved for customers: what is public in them, a name
    or an address, is said as it is, by the rules for what a bot says.
    """

    def __init__(self, policy: Policy, approved: Collection[str] = ()) -> None:
        self._policy = policy
        self._approved = frozenset(approved)
        # Approved answers and greetings come again and again.
        self._checked = functools.lru_cache(_REMEMBERED_TEXTS)(self._check)

    def conversation(self, messages: Sequence[ChatMessage]) -> Screened:
        """The same value has the same placeholder in all turns."""
        number = numbered()
        kept: list[ChatMessage] = []
        replaced: Counter[str] = Counter()
        blocked: dict[str, None] = {}
        for message, findings in self._findings(messages):
            blocked |= dict.fromkeys(e.category for e in findings if e.action is Action.BLOCK)
            replaced.update(e.category for e in findings if e.action is Action.MASK)
            text = masked(message["content"], findings, number)
            kept.append({"role": message["role"], "content": text})
        return Screened(tuple(kept), replaced, tuple(blocked))

    def left(self, messages: Sequence[ChatMessage]) -> Counter[str]:
        """What would have to be replaced or blocked, by category: nothing in what was kept."""
        return Counter(
            each.category
            for _message, findings in self._findings(messages)
            for each in findings
            if each.action in (Action.MASK, Action.BLOCK)
        )

    def _findings(
        self, messages: Sequence[ChatMessage]
    ) -> Iterator[tuple[ChatMessage, tuple[Finding, ...]]]:
        """Of each message; a number that a customer begins in one and ends in the next, too."""
        before = ""
        for message in messages:
            text = message["content"]
            if message["role"] == "user":
                yield message, self._checked(text, Direction.TRAINING, before)
                before = text[-pipeline.REMEMBERED_CHARACTERS :]
            else:
                is_approved = text in self._approved
                direction = Direction.OUTBOUND if is_approved else Direction.TRAINING
                yield message, self._checked(text, direction, None)

    def _check(self, text: str, direction: Direction, before: str | None) -> tuple[Finding, ...]:
        """``before`` is None for what a bot says."""
        verdict = pipeline.moderate(text, self._policy, direction, before=before or "")
        shapes = [
            Finding(
                shape.start,
                shape.end,
                Family.INJECTION,
                shape.name,
                shape.name,
                self._policy.rules.action(Family.INJECTION, shape.name, Direction.TRAINING),
                value=shape.name,
                score=shape.score,
            )
            for shape in injection.find(text)
            # Control tokens are dangerous wherever they stand. The shape of an attack ("you are
            # now logged in") is one only in what a customer says.
            if shape.name == CONTROL_TOKEN or before is not None
        ]
        found = (*verdict.findings, *shapes)
        return tuple(sorted(found, key=lambda each: (each.start, each.end)))

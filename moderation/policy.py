"""Which checks run, and what follows from each finding, per direction. Pure and immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moderation.findings import Action, Direction, Family
from moderation.recognizers.base import Recognizer
from moderation.words.lexicon import Level, Lexicon
from moderation.words.matcher import WordMatcher

OTHER = "other"
ActionTable = Mapping[str, Mapping[Direction, Action]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the company decided: an action per category and direction, and the strict levels.

    ``words`` is keyed by category of words, ``personal`` by kind of personal data,
    ``injection`` by shape. ``OTHER`` is the row for everything without one of its own.
    ``default_words``: csbot's own short list applies beside the company's.
    """

    words: ActionTable
    personal: ActionTable
    injection: ActionTable
    levels: frozenset[Level] = frozenset()
    default_words: bool = True

    def action(self, family: Family, category: str, direction: Direction) -> Action:
        """The action for a finding. What no rule speaks of is blocked."""
        table = self._table(family)
        row = table.get(category) or table.get(OTHER) or {}
        return row.get(direction, Action.BLOCK)

    def to_json(self) -> dict[str, Any]:
        return {
            "words": _plain_table(self.words),
            "personal": _plain_table(self.personal),
            "injection": _plain_table(self.injection),
            "levels": sorted(self.levels),
            "default_words": self.default_words,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Rules":
        """What :meth:`to_json` gave. Raises ``KeyError`` or ``ValueError`` for anything else."""
        return cls(
            words=_table(data["words"]),
            personal=_table(data["personal"]),
            injection=_table(data["injection"]),
            levels=frozenset(Level(each) for each in data["levels"]),
            default_words=bool(data["default_words"]),
        )

    def _table(self, family: Family) -> ActionTable:
        match family:
            case Family.WORD:
                return self.words
            case Family.PERSONAL:
                return self.personal
            case Family.INJECTION:
                return self.injection
            case Family.FAILURE:
                return {}


def _plain_table(table: ActionTable) -> dict[str, dict[str, str]]:
    return {
        category: {direction.value: action.value for direction, action in row.items()}
        for category, row in table.items()
    }


def _table(data: Mapping[str, Mapping[str, str]]) -> ActionTable:
    return {
        category: {Direction(direction): Action(action) for direction, action in row.items()}
        for category, row in data.items()
    }


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules with everything they need to run: build it once, use it from any thread."""

    version: str
    rules: Rules
    recognizers: tuple[Recognizer, ...]
    matcher: WordMatcher = field(repr=False)

    @classmethod
    def build(
        cls, *, version: str, rules: Rules, lexicon: Lexicon, recognizers: tuple[Recognizer, ...]
    ) -> "Policy":
        """Compile ``lexicon`` for the levels of ``rules``; takes about a second for 60,000 words."""
        return cls(version, rules, recognizers, WordMatcher(lexicon, rules.levels))

"""What is measured of one period, as data. What each figure means: ``docs/analytics.md``."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from chat.analytics.figures import Mean, Percentiles, Share
from chat.analytics.periods import Period
from chat.analytics.selectors import Outcome
from chat.models import Message
from chat.usage import UNANSWERED

READY = (Message.Source.CURATED, Message.Source.CACHE)


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures that are compared with the period before."""

    conversations: int
    outcomes: dict[Outcome, int]
    reasons: dict[str, int]
    ratings: dict[int, int]
    questions: int
    sources: dict[str, int]
    notices: dict[str, int]
    failed: int
    thumbs: Share
    wait: Percentiles

    @property
    def resolved(self) -> Share:
        """Of the conversations that are over or went to a person."""
        return Share(self.outcomes[Outcome.RESOLVED], self.settled)

    @property
    def handed(self) -> Share:
        return Share(self.outcomes[Outcome.PERSON], self.settled)

    @property
    def settled(self) -> int:
        return self.conversations - self.outcomes[Outcome.OPEN]

    @property
    def answers(self) -> int:
        return sum(self.sources.values())

    @property
    def ready(self) -> Share:
        """Answers that nobody had to write: approved ones, and those from the cache."""
        return Share(sum(self.sources.get(each, 0) for each in READY), self.answers)

    @property
    def cached(self) -> Share:
        return Share(self.sources.get(Message.Source.CACHE, 0), self.answers)

    @property
    def without_answer(self) -> Share:
        count = sum(self.notices.get(code, 0) for code in UNANSWERED)
        return Share(count, count + self.answers)

    @property
    def rating(self) -> Mean:
        total = sum(rating * count for rating, count in self.ratings.items())
        return Mean(total, sum(self.ratings.values()))


@dataclass(frozen=True, slots=True)
class Column:
    """One hour, day or week of the trend."""

    at: datetime
    outcomes: Counter[str] = field(default_factory=Counter)
    thumbs: Counter[str] = field(default_factory=Counter)
    ratings: Counter[int] = field(default_factory=Counter)

    @property
    def conversations(self) -> int:
        return self.outcomes.total()

    @property
    def rating(self) -> Mean:
        total = sum(rating * count for rating, count in self.ratings.items())
        return Mean(total, self.ratings.total())


@dataclass(frozen=True, slots=True)
class Version:
    """A deployment's answers: those of its model alone, never approved or cached ones."""

    name: str
    bot: str
    is_active: bool
    answers: int
    without_answer: Share
    thumbs: Share
    handed: Share
    confidence: Mean
    answer: Percentiles


@dataclass(frozen=True, slots=True)
class Work:
    """What one agent did; ``agent`` is empty for those that are gone."""

    agent: str
    taken: int
    closed: int
    answered: Percentiles
    waited: Percentiles
    rating: Mean


@dataclass(frozen=True, slots=True)
class Said:
    """An approved answer, and how often it was said."""

    bot: str
    pk: int
    question: str
    count: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and whether an approved answer knows it by now."""

    bot: str
    bot_pk: int
    text: str
    count: int
    how: str
    is_answered_now: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about one period."""

    period: Period
    totals: Totals
    before: Totals
    columns: tuple[Column, ...]
    by_stage: dict[str, Percentiles]
    by_source: dict[str, Percentiles]
    checks: Percentiles
    moderation_share: float | None
    versions: tuple[Version, ...]
    work: tuple[Work, ...]
    asked: tuple[Question, ...]
    said: tuple[Said, ...]
    unanswered: tuple[Question, ...]

    @property
    def is_empty(self) -> bool:
        return not self.totals.conversations and not self.totals.answers

"""The rows that figures are made of: each function one query, grouped where the rows are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    Exists,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Trunc
from django.utils import timezone

from chat.models import Bot, Conversation, Message, QuestionVariant
from chat.usage import UNANSWERED

IDLE = timedelta(hours=24)
"""A conversation in which nothing happened for so long is over."""
NEWEST = 5_000
"""Percentiles are those of so many answers, the newest ones."""
WORDINGS = 1_000
"""So many wordings, the most frequent ones, are grouped into questions."""
ANSWERED_BY = (Message.Source.CURATED, Message.Source.CACHE, Message.Source.MODEL)


class Outcome(StrEnum):
    """How far a conversation got: exactly one of these."""

    RESOLVED = "resolved"
    PERSON = "person"
    UNANSWERED = "unanswered"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose conversations, in which language (empty: all), since when and until when."""

    bots: tuple[int, ...]
    locale: str
    since: datetime
    until: datetime

    def when(self, field: str = "created_at") -> Q:
        return Q(**{f"{field}__gte": self.since, f"{field}__lt": self.until})


class OutcomeRow(NamedTuple):
    column: datetime | None
    outcome: str
    reason: str
    rating: int | None
    number: int


class MessageRow(NamedTuple):
    role: str
    source: str
    status: str
    code: str
    deployment: int | None
    number: int
    confidence: float | None
    confidences: int


class ThumbRow(NamedTuple):
    column: datetime | None
    source: str
    deployment: int | None
    value: str
    number: int


class LatencyRow(NamedTuple):
    """Seconds by stage; what was not measured is not there."""

    source: str
    deployment: int | None
    timings: dict[str, float]


class HandoverRow(NamedTuple):
    deployment: int
    conversations: int
    handed: int


class WorkRow(NamedTuple):
    """One conversation that an agent took."""

    agent: str
    wanted_at: datetime | None
    taken_at: datetime
    answered_at: datetime | None
    is_closed: bool
    rating: int | None


def with_a_person(prefix: str = "") -> Q:
    """Somebody asked for a person, or one came."""
    return (
        ~Q(**{f"{prefix}handoff_reason": ""})
        | Q(**{f"{prefix}taken_at__isnull": False})
        | Q(**{f"{prefix}status__in": [Conversation.Status.WAITING, Conversation.Status.TAKEN]})
    )


def with_outcome(conversations: QuerySet[Conversation]) -> QuerySet[Any]:
    """Each with how far it got, an :class:`Outcome`, as ``outcome``."""
    answer = Message.objects.filter(
        ~Q(status=Message.Status.CANCELLED),
        conversation=OuterRef("pk"),
        source__in=ANSWERED_BY,
    )
    is_over = Q(status=Conversation.Status.CLOSED) | Q(updated_at__lt=timezone.now() - IDLE)
    outcome = Case(
        When(with_a_person(), then=Value(Outcome.PERSON.value)),
        When(~is_over, then=Value(Outcome.OPEN.value)),
        When(Exists(answer), then=Value(Outcome.RESOLVED.value)),
        default=Value(Outcome.UNANSWERED.value),
        output_field=CharField(),
    )
    return conversations.annotate(outcome=outcome)


def outcomes(scope: Scope, step: str | None) -> list[OutcomeRow]:
    """Conversations that began in the period and in which a customer wrote.

    Without a ``step`` they are not told apart by when that was.
    """
    rows = (
        with_outcome(_conversations(scope).filter(scope.when(), last_seq__gt=0))
        .annotate(column=_column("created_at", step))
        .values_list("column", "outcome", "handoff_reason", "rating")
        .annotate(number=Count("pk"))
        .order_by()
    )
    return [OutcomeRow(_wall(column), *rest) for column, *rest in rows]


def messages(scope: Scope) -> list[MessageRow]:
    rows = (
        _messages(scope)
        .values_list("role", "source", "status", "code", "deployment")
        .annotate(number=Count("pk"), sure=Sum("confidence"), sures=Count("confidence"))
        .order_by()
    )
    return [MessageRow(*row) for row in rows]


def thumbs(scope: Scope, step: str | None) -> list[ThumbRow]:
    """Of answers that were given in the period, whenever people judged them."""
    rows = (
        _messages(scope)
        .filter(feedback__isnull=False)
        .annotate(column=_column("created_at", step))
        .values_list("column", "source", "deployment", "feedback__value")
        .annotate(number=Count("pk"))
        .order_by()
    )
    return [ThumbRow(_wall(column), *rest) for column, *rest in rows]


def latencies(scope: Scope) -> list[LatencyRow]:
    """Of the newest answers of the bot."""
    # What no index knows, so that the newest are read first and the rest not at all.
    answers = _messages(scope).filter(source__in=ANSWERED_BY, role=Message.Role.ASSISTANT)
    rows = answers.order_by("-created_at").values_list("status", "source", "deployment", "timings")
    return [LatencyRow(*row) for status, *row in rows[:NEWEST] if status == Message.Status.SENT]


def checks(scope: Scope) -> list[float]:
    """Seconds that moderation took for what customers wrote last."""
    written = _messages(scope).filter(role=Message.Role.CUSTOMER)
    timings = written.order_by("-created_at").values_list("timings", flat=True)[:NEWEST]
    return [each["moderation"] for each in timings if "moderation" in each]


def handovers(scope: Scope) -> list[HandoverRow]:
    """Per deployment: conversations with an answer of its model, and those that met a person."""
    rows = (
        _messages(scope)
        .filter(source=Message.Source.MODEL, deployment__isnull=False)
        .values_list("deployment")
        .annotate(
            conversations=Count("conversation", distinct=True),
            handed=Count("conversation", distinct=True, filter=with_a_person("conversation__")),
        )
        .order_by()
    )
    return [HandoverRow(*row) for row in rows]


def asked(scope: Scope) -> list[tuple[int, str, str, int]]:
    """Bot, question as typed, source of the answer or code of the notice, and how often."""
    how = Case(
        When(role=Message.Role.NOTICE, then=F("code")),
        When(status=Message.Status.SENT, then=F("source")),
        default=F("status"),
        output_field=CharField(),
    )
    return _asked(_messages(scope), how)


def unanswered(scope: Scope) -> list[tuple[int, str, str, int]]:
    """Those of :func:`asked` that got no answer."""
    notices = _messages(scope).filter(role=Message.Role.NOTICE, code__in=UNANSWERED)
    return _asked(notices, F("code"))


def answers_said(scope: Scope, most: int) -> list[tuple[int, int, str, str, int]]:
    """The approved answers said most: bot, answer, first question, key and how often."""
    first = QuestionVariant.objects.filter(answer=OuterRef("curated_answer"))
    rows = (
        _messages(scope)
        .filter(curated_answer__isnull=False)
        .values_list("conversation__bot", "curated_answer", "curated_answer__key")
        .annotate(number=Count("pk"))
        .annotate(question=Subquery(first.order_by("position", "pk").values("text")[:1]))
        .order_by("-number", "curated_answer")
    )
    return [(bot, pk, text or key, key, number) for bot, pk, key, number, text in rows[:most]]


def written_since(bots: tuple[int, ...], keys: list[str]) -> set[tuple[int, str]]:
    """Which of the normalised questions an approved answer knows by now."""
    known = QuestionVariant.objects.filter(
        answer__bot__in=bots, answer__is_active=True, normalized__in=keys
    )
    return set(known.values_list("answer__bot", "normalized"))


def work(scope: Scope) -> list[WorkRow]:
    """Conversations that agents took in the period, newest first."""
    said = Message.objects.filter(
        conversation=OuterRef("pk"),
        role=Message.Role.AGENT,
        created_at__gte=OuterRef("taken_at"),
    )
    first = said.order_by().values("conversation").annotate(at=Min("created_at")).values("at")
    rows = (
        _conversations(scope)
        .filter(scope.when("taken_at"))
        .annotate(answered_at=Subquery(first))
        .order_by("-taken_at")
        .values_list(
            "agent__username", "waiting_since", "taken_at", "answered_at", "status", "rating"
        )
    )
    closed = Conversation.Status.CLOSED
    return [
        WorkRow(agent or "", wanted, taken, answered, status == closed, rating)
        for agent, wanted, taken, answered, status, rating in rows[:NEWEST]
        if taken is not None
    ]


def bot_names(bots: tuple[int, ...]) -> dict[int, str]:
    return dict(Bot.objects.filter(pk__in=bots).values_list("pk", "name"))


def _conversations(scope: Scope) -> QuerySet[Conversation]:
    chosen = Conversation.objects.filter(bot__in=scope.bots)
    return chosen.filter(locale=scope.locale) if scope.locale else chosen


def _messages(scope: Scope) -> QuerySet[Message]:
    """Of the period. ``+ 0`` keeps SQLite, which has no statistics, from beginning with the bot
    and walking through all that it ever said."""
    chosen = Message.objects.annotate(of_bot=F("conversation__bot") + 0).filter(
        scope.when(), of_bot__in=scope.bots
    )
    return chosen.filter(conversation__locale=scope.locale) if scope.locale else chosen


def _column(field: str, step: str | None) -> Trunc | Value:
    return Trunc(field, step) if step else Value(None, output_field=DateTimeField())


def _asked(outcomes: QuerySet[Message], how: Case | F) -> list[tuple[int, str, str, int]]:
    rows = (
        outcomes.filter(
            role__in=[Message.Role.ASSISTANT, Message.Role.NOTICE], reply_to__isnull=False
        )
        .annotate(how=how)
        .values_list("conversation__bot", "reply_to__text", "how")
        .annotate(number=Count("pk"))
        .order_by("-number", "reply_to__text", "how")
    )
    return list(rows[:WORDINGS])


def _wall(moment: datetime | None) -> datetime | None:
    """As the clock on the wall shows it."""
    return moment and timezone.make_naive(moment)

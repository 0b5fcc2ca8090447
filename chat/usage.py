"""How what a bot knows is used: for the console, and from messages alone.

Nothing is counted beside the messages, so nothing can disagree with them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Any, NamedTuple

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.utils import timezone

from chat.knowledge.questions import normalized
from chat.models import Bot, CuratedAnswer, Dispute, Message, QuestionVariant

MOST_ANSWERS = 5000
"""Of so many answers, the newest of the period, everything is computed."""
LISTED = 12
RECENT_USES = 20
UNANSWERED = ("unsure", "unanswered", "withheld")
HITS_DAYS = 30


class Kind(StrEnum):
    """Where an answer came from, as people who write knowledge see it."""

    EXACT = "exact"
    MEANING = "meaning"
    CACHE = "cache"
    MODEL = "model"
    NONE = "none"


READY = (Kind.EXACT, Kind.MEANING, Kind.CACHE)


class Row(NamedTuple):
    """One answer as it is read from the database."""

    question: str | None
    source: str
    status: str
    code: str
    found: str | None
    seconds: str | None

    @property
    def kind(self) -> Kind:
        if self.status == Message.Status.FAILED or self.source == Message.Source.NOTICE:
            return Kind.NONE
        if self.source == Message.Source.CURATED:
            return Kind.MEANING if self.found == "semantic" else Kind.EXACT
        return Kind.CACHE if self.source == Message.Source.CACHE else Kind.MODEL

    @property
    def took(self) -> float:
        """Seconds; what was said in the same breath took none."""
        return float(self.seconds or 0)


@dataclass(frozen=True, slots=True)
class Share:
    """What one kind of answer adds up to; ``seconds`` is its median time, None without answers."""

    kind: Kind
    count: int
    percent: float
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, how often it was asked, and how it was mostly answered, or why it was not."""

    question: str
    count: int
    how: str


@dataclass(frozen=True, slots=True)
class Glance:
    """A bot's knowledge in use. ``seconds_saved`` is None while the model has answered nothing."""

    answers: int
    is_cut: bool
    shares: tuple[Share, ...]
    ready_percent: float
    seconds_saved: float | None
    top: tuple[Asked, ...]
    unanswered: tuple[Asked, ...]
    used: tuple[CuratedAnswer, ...]
    unused: tuple[CuratedAnswer, ...]
    unused_count: int
    disputes: int


def glance(bot: Bot, days: int) -> Glance:
    """Six queries, however much there is."""
    since = timezone.now() - timedelta(days=days)
    rows = _rows(bot, since)
    by_kind = {kind: [row.took for row in rows if row.kind == kind] for kind in Kind}
    answers = with_usage(CuratedAnswer.objects.filter(bot=bot), since)
    unused = answers.filter(hits=0, is_active=True)
    ready = sum(len(by_kind[kind]) for kind in READY)
    return Glance(
        answers=len(rows),
        is_cut=len(rows) == MOST_ANSWERS,
        shares=tuple(_share(kind, took, len(rows)) for kind, took in by_kind.items()),
        ready_percent=_percent(ready, len(rows)),
        seconds_saved=_saved(by_kind),
        top=_most_asked((row.question or "", row.kind.value) for row in rows),
        unanswered=_most_asked([*_without_answer(rows), *_handed_over(bot, since)]),
        used=tuple(answers.filter(hits__gt=0).order_by("-hits", "pk")[:LISTED]),
        unused=tuple(unused.order_by("created_at", "pk")[:LISTED]),
        unused_count=unused.count(),
        disputes=Dispute.objects.filter(bot=bot, resolution=Dispute.Resolution.OPEN).count(),
    )


def with_usage(answers: QuerySet[CuratedAnswer], since: datetime) -> QuerySet[Any]:
    """With ``first_question``, ``hits`` since then and ``open_disputes``."""
    first = QuestionVariant.objects.filter(answer=OuterRef("pk")).order_by("position", "pk")
    hits = Message.objects.filter(curated_answer=OuterRef("pk"), created_at__gte=since)
    disputes = Dispute.objects.filter(answer=OuterRef("pk"), resolution=Dispute.Resolution.OPEN)
    return answers.annotate(
        first_question=Subquery(first.values("text")[:1]),
        hits=_number(hits, "curated_answer"),
        open_disputes=_number(disputes, "answer"),
    )


def recent_uses(answer: CuratedAnswer) -> list[Message]:
    """The last messages that said this answer, with their questions."""
    said = answer.messages.select_related("reply_to", "conversation").order_by("-pk")
    return list(said[:RECENT_USES])


def since_hits() -> datetime:
    """From when on hits are counted in lists."""
    return timezone.now() - timedelta(days=HITS_DAYS)


def _rows(bot: Bot, since: datetime) -> list[Row]:
    answers = Message.objects.filter(
        Q(role=Message.Role.ASSISTANT) | Q(role=Message.Role.NOTICE, reply_to__isnull=False),
        status__in=[Message.Status.SENT, Message.Status.FAILED],
        conversation__bot=bot,
        created_at__gte=since,
    )
    columns = ("reply_to__text", "source", "status", "code")
    found = answers.order_by("-pk").values_list(*columns, KT("match__kind"), KT("timings__answer"))
    return [Row(*row) for row in found[:MOST_ANSWERS]]


def _share(kind: Kind, took: Sequence[float], total: int) -> Share:
    return Share(kind, len(took), _percent(len(took), total), median(took) if took else None)


def _saved(by_kind: dict[Kind, list[float]]) -> float | None:
    """Beside the median answer of the model."""
    if not by_kind[Kind.MODEL]:
        return None
    usual = median(by_kind[Kind.MODEL])
    return sum(max(0.0, usual - each) for kind in READY for each in by_kind[kind])


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _most_asked(asked: Iterable[tuple[str, str]]) -> tuple[Asked, ...]:
    """Pairs of question and what came of it, the questions asked most first."""
    shown: dict[str, str] = {}
    hows: dict[str, Counter[str]] = {}
    for question, how in asked:
        if key := normalized(question):
            shown.setdefault(key, question)
            hows.setdefault(key, Counter())[how] += 1
    ordered = sorted(hows.items(), key=lambda each: -each[1].total())[:LISTED]
    return tuple(
        Asked(shown[key], each.total(), each.most_common(1)[0][0]) for key, each in ordered
    )


def _without_answer(rows: Iterable[Row]) -> list[tuple[str, str]]:
    return [
        (row.question or "", "failed" if row.status == Message.Status.FAILED else row.code)
        for row in rows
        if row.status == Message.Status.FAILED or row.code in UNANSWERED
    ]


def _handed_over(bot: Bot, since: datetime) -> list[tuple[str, str]]:
    """What customers had asked last when they asked for a person."""
    before = Message.objects.filter(
        conversation=OuterRef("conversation"),
        role=Message.Role.CUSTOMER,
        seq__lt=OuterRef("seq"),
    ).order_by("-seq")
    notices = Message.objects.filter(
        conversation__bot=bot, code="person_requested", created_at__gte=since
    ).order_by("-pk")
    questions = notices.annotate(question=Subquery(before.values("text")[:1]))
    return [
        (question or "", "person")
        for question in questions.values_list("question", flat=True)[:MOST_ANSWERS]
    ]


def _number(rows: QuerySet[Message] | QuerySet[Dispute], group: str) -> Coalesce:
    counted = rows.order_by().values(group).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))

"""All figures of one period beside those of the period before: for the page and for exports.

What each figure means is written down in ``docs/analytics.md``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import TypeVar

from chat.analytics import selectors
from chat.analytics.asking import Asked, grouped
from chat.analytics.figures import Mean, Share, percentiles
from chat.analytics.measures import Column, Question, Report, Said, Totals, Version, Work
from chat.analytics.periods import Period, Step
from chat.analytics.selectors import (
    ANSWERED_BY,
    LatencyRow,
    MessageRow,
    Outcome,
    OutcomeRow,
    Scope,
    ThumbRow,
    WorkRow,
)
from chat.models import Deployment, Feedback, Message
from chat.usage import UNANSWERED

T = TypeVar("T")

LISTED = 10
STAGES = ("queue", "first_token", "answer", "moderation")


def report(bots: Iterable[int], period: Period, zone: tzinfo, locale: str = "") -> Report:
    """Some twenty queries, however many bots and messages there are."""
    since, until = period.bounds(zone)
    scope = Scope(tuple(bots), locale, since, until)
    since, until = period.before.bounds(zone)
    outcomes = selectors.outcomes(scope, _trunc(period))
    messages = selectors.messages(scope)
    thumbs = selectors.thumbs(scope, _trunc(period))
    latencies = selectors.latencies(scope)
    checks = selectors.checks(scope)
    names = selectors.bot_names(scope.bots)
    return Report(
        period=period,
        totals=_totals(outcomes, messages, thumbs, latencies),
        before=_totals_of(replace(scope, since=since, until=until)),
        columns=_columns(period, outcomes, thumbs),
        by_stage={stage: percentiles(_seconds(latencies, stage)) for stage in STAGES},
        by_source={
            source: percentiles(_wait(row) for row in latencies if row.source == source)
            for source in ANSWERED_BY
        },
        checks=percentiles(checks),
        moderation_share=_moderation_share(latencies),
        versions=_versions(scope, names, messages, thumbs, latencies),
        work=_work(selectors.work(scope)),
        asked=_questions(scope, names, grouped(selectors.asked(scope), LISTED)),
        said=tuple(
            Said(names.get(bot, ""), pk, question, count)
            for bot, pk, question, _key, count in selectors.answers_said(scope, LISTED)
        ),
        unanswered=_questions(scope, names, grouped(selectors.unanswered(scope), LISTED)),
    )


def totals(bots: Iterable[int], period: Period, zone: tzinfo) -> tuple[Totals, Totals]:
    """Of the period and of the one before, in eight queries."""
    chosen = tuple(bots)
    found = [Scope(chosen, "", *each.bounds(zone)) for each in (period, period.before)]
    return _totals_of(found[0]), _totals_of(found[1])


def _trunc(period: Period) -> str:
    """What the database groups by; weeks begin with the period and are added up here."""
    return Step.HOUR if period.step == Step.HOUR else Step.DAY


def _totals_of(scope: Scope) -> Totals:
    return _totals(
        selectors.outcomes(scope, None),
        selectors.messages(scope),
        selectors.thumbs(scope, None),
        selectors.latencies(scope),
    )


def _totals(
    outcomes: Sequence[OutcomeRow],
    messages: Sequence[MessageRow],
    thumbs: Sequence[ThumbRow],
    latencies: Sequence[LatencyRow],
) -> Totals:
    answers = [row for row in messages if _is_answer(row)]
    return Totals(
        conversations=sum(row.number for row in outcomes),
        outcomes={
            each: sum(row.number for row in outcomes if row.outcome == each) for each in Outcome
        },
        reasons=_counts((row.reason, row.number) for row in outcomes if row.reason),
        ratings=_counts((row.rating, row.number) for row in outcomes if row.rating is not None),
        questions=sum(row.number for row in messages if row.role == Message.Role.CUSTOMER),
        sources=_counts((row.source, row.number) for row in answers),
        notices=_counts(
            (row.code, row.number) for row in messages if row.role == Message.Role.NOTICE
        ),
        failed=sum(row.number for row in messages if row.status == Message.Status.FAILED),
        thumbs=_thumbs(row for row in thumbs if row.source in ANSWERED_BY),
        wait=percentiles(_wait(row) for row in latencies),
    )


def _is_answer(row: MessageRow) -> bool:
    return (
        row.role == Message.Role.ASSISTANT
        and row.status == Message.Status.SENT
        and row.source in ANSWERED_BY
    )


def _counts(pairs: Iterable[tuple[T, int]]) -> dict[T, int]:
    counted: Counter[T] = Counter()
    for key, number in pairs:
        counted[key] += number
    return dict(counted.most_common())


def _thumbs(rows: Iterable[ThumbRow]) -> Share:
    counts = _counts((row.value, row.number) for row in rows)
    return Share(counts.get(Feedback.Value.UP, 0), sum(counts.values()))


def _seconds(rows: Iterable[LatencyRow], stage: str) -> list[float]:
    return [row.timings[stage] for row in rows if stage in row.timings]


def _wait(row: LatencyRow) -> float:
    """What a customer waited for the whole answer; one said in the same breath took nothing."""
    return row.timings.get("queue", 0.0) + row.timings.get("answer", 0.0)


def _moderation_share(rows: Sequence[LatencyRow]) -> float | None:
    """In percent of the time that answers took which were checked while they were written."""
    checked = [row for row in rows if "moderation" in row.timings]
    whole = sum(_seconds(checked, "answer"))
    return 100 * sum(_seconds(checked, "moderation")) / whole if whole else None


def _columns(
    period: Period, outcomes: Iterable[OutcomeRow], thumbs: Iterable[ThumbRow]
) -> tuple[Column, ...]:
    columns = {at: Column(at) for at in period.columns()}
    for row in outcomes:
        assert row.column is not None
        column = columns[period.column(row.column)]
        column.outcomes[row.outcome] += row.number
        if row.rating is not None:
            column.ratings[row.rating] += row.number
    for thumb in thumbs:
        if thumb.source in ANSWERED_BY:
            assert thumb.column is not None
            columns[period.column(thumb.column)].thumbs[thumb.value] += thumb.number
    return tuple(columns.values())


def _versions(
    scope: Scope,
    names: dict[int, str],
    messages: Sequence[MessageRow],
    thumbs: Sequence[ThumbRow],
    latencies: Sequence[LatencyRow],
) -> tuple[Version, ...]:
    model = Message.Source.MODEL
    handovers = {row.deployment: row for row in selectors.handovers(scope)}
    rows: dict[int, list[MessageRow]] = defaultdict(list)
    for row in messages:
        if row.deployment and (row.source == model or row.code in UNANSWERED):
            rows[row.deployment].append(row)
    found = []
    for deployment in Deployment.objects.filter(pk__in=rows).order_by("bot", "-version"):
        mine = rows[deployment.pk]
        handed = handovers.get(deployment.pk)
        answers = sum(row.number for row in mine if _is_answer(row))
        nothing = sum(row.number for row in mine if row.code in UNANSWERED)
        found.append(
            Version(
                name=f"v{deployment.version} {deployment.artifact or deployment.engine}",
                bot=names.get(deployment.bot_id, ""),
                is_active=deployment.is_active,
                answers=answers,
                without_answer=Share(nothing, nothing + answers),
                thumbs=_thumbs(
                    row for row in thumbs if row.deployment == deployment.pk and row.source == model
                ),
                handed=Share(handed.handed, handed.conversations) if handed else Share(),
                confidence=Mean(
                    sum(row.confidence or 0 for row in mine),
                    sum(row.confidences for row in mine),
                ),
                answer=percentiles(
                    _seconds(
                        (
                            row
                            for row in latencies
                            if row.deployment == deployment.pk and row.source == model
                        ),
                        "answer",
                    )
                ),
            )
        )
    return tuple(found)


def _work(rows: Iterable[WorkRow]) -> tuple[Work, ...]:
    by_agent: dict[str, list[WorkRow]] = defaultdict(list)
    for row in rows:
        by_agent[row.agent].append(row)
    return tuple(
        Work(
            agent=agent,
            taken=len(mine),
            closed=sum(row.is_closed for row in mine),
            answered=percentiles(
                (row.answered_at - row.taken_at).total_seconds() for row in mine if row.answered_at
            ),
            waited=percentiles(
                (row.taken_at - row.wanted_at).total_seconds()
                for row in mine
                if row.wanted_at and row.wanted_at <= row.taken_at
            ),
            rating=Mean(
                sum(row.rating or 0 for row in mine), sum(row.rating is not None for row in mine)
            ),
        )
        for agent, mine in sorted(by_agent.items(), key=lambda each: (-len(each[1]), each[0]))
    )


def _questions(scope: Scope, names: dict[int, str], asked: Sequence[Asked]) -> tuple[Question, ...]:
    known = selectors.written_since(scope.bots, [each.key for each in asked])
    return tuple(
        Question(
            bot=names.get(each.bot, ""),
            bot_pk=each.bot,
            text=each.question,
            count=each.count,
            how=each.how,
            is_answered_now=(each.bot, each.key) in known,
        )
        for each in asked
    )

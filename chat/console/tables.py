"""A report as sheets of a workbook: the page's tables, as numbers, under the same names."""

from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _

from chat.analytics.figures import Percentiles
from chat.analytics.measures import Question, Report, Totals
from chat.analytics.selectors import Outcome
from chat.console import wording
from chat.spreadsheets import Cell, Row, Sheet

_PLACES = 4


def sheets(report: Report, *, with_questions: bool) -> list[Sheet]:
    """What customers wrote is for those who may read conversations."""
    found = [
        Sheet(_("Figures"), _figures(report)),
        Sheet(_("Trend"), _trend(report)),
        Sheet(_("Reasons for a person"), _reasons(report)),
        Sheet(_("Times"), _times(report)),
        Sheet(_("Models"), _versions(report)),
        Sheet(_("Agents"), _work(report)),
        Sheet(_("Approved answers"), _said(report)),
    ]
    if with_questions:
        found += [
            Sheet(_("Questions"), _questions(report.asked)),
            Sheet(_("Without an answer"), _questions(report.unanswered)),
        ]
    return found


def one_table(found: list[Sheet]) -> Iterator[Row]:
    """All sheets below each other, for a format that knows one table."""
    for place, sheet in enumerate(found):
        if place:
            yield []
        yield [sheet.title]
        yield from sheet.rows


def _figures(report: Report) -> Iterator[Row]:
    yield [_("figure"), _("this period"), _("period before")]
    yield [_("first day"), str(report.period.first), str(report.period.before.first)]
    yield [_("last day"), str(report.period.last), str(report.period.before.last)]
    kinds: list[tuple[str, Callable[[Totals], Cell]]] = [
        (_("conversations"), lambda t: t.conversations),
        *((str(label), _outcome(each)) for each, label in wording.OUTCOMES.items()),
        (_("resolved without a person, percent"), lambda t: _rounded(t.resolved.percent)),
        (_("handed to a person, percent"), lambda t: _rounded(t.handed.percent)),
        (_("questions"), lambda t: t.questions),
        (_("answers"), lambda t: t.answers),
        *((str(label), _source(each)) for each, label in wording.SOURCES.items()),
        (_("ready at once, percent"), lambda t: _rounded(t.ready.percent)),
        (_("from the cache, percent"), lambda t: _rounded(t.cached.percent)),
        (_("without an answer, percent"), lambda t: _rounded(t.without_answer.percent)),
        (_("failed"), lambda t: t.failed),
        (_("thumbs"), lambda t: t.thumbs.total),
        (_("helpful, percent"), lambda t: _rounded(t.thumbs.percent)),
        (_("ratings"), lambda t: t.rating.count),
        (_("rating, of 5"), lambda t: _rounded(t.rating.value)),
        (_("waited, P50, seconds"), lambda t: _rounded(t.wait.p50)),
        (_("waited, P95, seconds"), lambda t: _rounded(t.wait.p95)),
        (_("waited, P99, seconds"), lambda t: _rounded(t.wait.p99)),
    ]
    for label, value in kinds:
        yield [label, value(report.totals), value(report.before)]


def _outcome(outcome: str) -> Callable[[Totals], Cell]:
    return lambda totals: totals.outcomes[Outcome(outcome)]


def _source(source: str) -> Callable[[Totals], Cell]:
    return lambda totals: totals.sources.get(source, 0)


def _trend(report: Report) -> Iterator[Row]:
    yield [
        _("from"),
        *(str(label) for label in wording.OUTCOMES.values()),
        *(str(label) for label in wording.THUMBS.values()),
        _("ratings"),
        _("rating, of 5"),
    ]
    for column in report.columns:
        yield [
            column.at.isoformat(sep=" ", timespec="minutes"),
            *(column.outcomes[each] for each in wording.OUTCOMES),
            *(column.thumbs[each] for each in wording.THUMBS),
            column.rating.count,
            _rounded(column.rating.value),
        ]


def _reasons(report: Report) -> Iterator[Row]:
    yield [_("reason"), _("conversations"), _("period before")]
    for reason, label in wording.REASONS.items():
        yield [
            str(label), report.totals.reasons.get(reason, 0), report.before.reasons.get(reason, 0),
        ]  # fmt: skip


def _times(report: Report) -> Iterator[Row]:
    yield [_("what took the time"), _("times measured"), "P50", "P95", "P99"]
    for stage, label in wording.STAGES.items():
        yield [str(label), *_percentiles(report.by_stage[stage])]
    yield [str(wording.CHECKS), *_percentiles(report.checks)]
    for source, label in wording.SOURCES.items():
        yield [str(label), *_percentiles(report.by_source[source])]


def _versions(report: Report) -> Iterator[Row]:
    yield [
        _("bot"), _("model"), _("in service"), _("answers"), _("without an answer, percent"),
        _("thumbs"), _("helpful, percent"), _("at least"), _("at most"),
        _("handed to a person, percent"), _("confidence"), "P50", "P95", "P99",
    ]  # fmt: skip
    for each in report.versions:
        low, high = each.thumbs.interval if each.thumbs.total else (None, None)
        yield [
            each.bot,
            each.name,
            _("yes") if each.is_active else "",
            each.answers,
            _rounded(each.without_answer.percent),
            each.thumbs.total,
            _rounded(each.thumbs.percent),
            _rounded(low),
            _rounded(high),
            _rounded(each.handed.percent),
            _rounded(each.confidence.value),
            *_percentiles(each.answer)[1:],
        ]


def _work(report: Report) -> Iterator[Row]:
    yield [
        _("agent"), _("taken"), _("closed"), _("customers waited, P50, seconds"),
        _("customers waited, P95, seconds"), _("first reply, P50, seconds"),
        _("first reply, P95, seconds"), _("ratings"), _("rating, of 5"),
    ]  # fmt: skip
    for each in report.work:
        yield [
            each.agent or wording.NOTHING,
            each.taken,
            each.closed,
            _rounded(each.waited.p50),
            _rounded(each.waited.p95),
            _rounded(each.answered.p50),
            _rounded(each.answered.p95),
            each.rating.count,
            _rounded(each.rating.value),
        ]


def _said(report: Report) -> Iterator[Row]:
    yield [_("bot"), _("question"), _("times")]
    for each in report.said:
        yield [each.bot, each.question, each.count]


def _questions(questions: tuple[Question, ...]) -> Iterator[Row]:
    yield [_("bot"), _("question"), _("times"), _("answered by"), _("answer written since")]
    for each in questions:
        yield [
            each.bot,
            each.text,
            each.count,
            str(wording.HOWS.get(each.how, each.how)),
            _("yes") if each.is_answered_now else "",
        ]


def _percentiles(measured: Percentiles) -> list[Cell]:
    return [
        measured.count, _rounded(measured.p50), _rounded(measured.p95), _rounded(measured.p99)
    ]  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _PLACES)

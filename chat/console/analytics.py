"""What came of the conversations, on a page and as a file."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat import spreadsheets
from chat.access import bots_of
from chat.analytics.figures import Percentiles
from chat.analytics.measures import Question, Report
from chat.analytics.report import report
from chat.console import columns, tables, wording
from chat.console.analytics_form import AnalyticsForm
from chat.console.tiles import tiles
from moderation.services import audit


def urls(site: AdminSite) -> list[URLPattern]:
    return [
        path("analytics/", site.admin_view(analytics_view), name="analytics"),
        path("analytics/export/", site.admin_view(export_view), name="analytics_export"),
    ]


def analytics_view(request: HttpRequest) -> HttpResponse:
    _require(request, "chat.view_analytics")
    form = AnalyticsForm(request.GET, bots=bots_of(request.user))
    context: dict[str, Any] = {"form": form, "title": _("Analytics")}
    if form.is_valid() and form.chosen:
        seen = report(form.chosen, form.period, timezone.get_current_timezone(), form.locale)
        context |= {"seen": seen, "query": form.query, "many": len(form.chosen) > 1, **_shown(seen)}
    return _page(request, "analytics/page.html", context)


def export_view(request: HttpRequest) -> HttpResponse:
    """The same figures as a file. That somebody took them is written down."""
    _require(request, "chat.view_analytics", "chat.export_analytics")
    form = AnalyticsForm(request.GET, bots=bots_of(request.user))
    if not form.is_valid() or not form.chosen:
        return HttpResponseRedirect(f"{reverse('admin:analytics')}?{request.GET.urlencode()}")
    kind = "xlsx" if request.GET.get("format") == "xlsx" else "csv"
    with_questions = _may_read(request)
    seen = report(form.chosen, form.period, timezone.get_current_timezone(), form.locale)
    found = tables.sheets(seen, with_questions=with_questions)
    with transaction.atomic():
        audit.record(
            "export.made",
            target="analytics:" + "..".join((str(seen.period.first), str(seen.period.last))),
            bot=form.only.slug if form.only else "",
            facts={"format": kind, "bots": len(form.chosen), "with_questions": with_questions},
        )
    if kind == "xlsx":
        answer = HttpResponse(spreadsheets.xlsx(found), content_type=spreadsheets.XLSX_TYPE)
    else:
        lines = spreadsheets.csv_lines(tables.one_table(found))
        answer = HttpResponse("".join(lines), content_type=spreadsheets.CSV_TYPE)
    name = f"analytics-{seen.period.first}-{seen.period.last}.{kind}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _shown(seen: Report) -> dict[str, Any]:
    step = seen.period.step
    times = {wording.STAGES[stage]: measured for stage, measured in seen.by_stage.items()}
    return {
        "tiles": tiles(seen.totals, seen.before),
        "outcomes": columns.stacked(
            [(each.at, each.outcomes) for each in seen.columns], wording.OUTCOMES, step
        ),
        "thumbs": columns.stacked(
            [(each.at, each.thumbs) for each in seen.columns], wording.THUMBS, step
        ),
        "ratings": [
            (stars, seen.totals.ratings.get(stars, 0), seen.totals.rating.count)
            for stars in range(5, 0, -1)
        ],
        "reasons": [
            (wording.REASONS.get(reason, reason), count, sum(seen.totals.reasons.values()))
            for reason, count in seen.totals.reasons.items()
        ],
        "sources": [
            (name, label, seen.totals.sources.get(name, 0), seen.totals.answers)
            for name, label in wording.SOURCES.items()
        ],
        "by_stage": columns.spans({**times, wording.CHECKS: seen.checks}),
        "by_source": columns.spans(
            {wording.SOURCES[source]: each for source, each in seen.by_source.items()}
        ),
        "versions": [(each, wording.duration(each.answer.p95)) for each in seen.versions],
        "agents": [(each, *_waits(each.waited), *_waits(each.answered)) for each in seen.work],
        "asked": _said(seen.asked),
        "unanswered": _said(seen.unanswered),
    }


def _waits(measured: Percentiles) -> tuple[str, str]:
    return wording.duration(measured.p50), wording.duration(measured.p95)


def _said(questions: tuple[Question, ...]) -> list[tuple[Question, Any]]:
    return [(each, wording.HOWS.get(each.how, each.how)) for each in questions]


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    from django.contrib import admin

    return TemplateResponse(
        request,
        template,
        {
            **admin.site.each_context(request),
            "may_read": _may_read(request),
            "may_export": request.user.has_perm("chat.export_analytics"),
            **context,
        },
    )


def _may_read(request: HttpRequest) -> bool:
    """Questions are what customers wrote."""
    return request.user.has_perm("chat.view_conversation")


def _require(request: HttpRequest, *permissions: str) -> None:
    if not isinstance(request.user, User) or not request.user.has_perms(permissions):
        raise PermissionDenied

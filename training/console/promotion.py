"""A candidate before its gates: what it got better and broke, who decides, and what serves where."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from chat.access import bots_of
from chat.console.pages import Pages
from chat.models import Bot, Deployment, RunnerReport
from chat.selectors import active_deployments
from chat.services import reporting
from training import comparisons
from training.access import model_versions_of
from training.console import evaluations, gate_words
from training.evaluation.comparing import Change
from training.models import ModelVersion, Promotion
from training.services import gating, promoting
from training.services.gating import Case

PER_PAGE = 10
SHOWN_DEPLOYMENTS = 20
FILTERS = (Change.BETTER, Change.BROKE, Change.BOTH_WRONG, Change.BOTH_RIGHT)
_COLOURS = {"serving": "succeeded", "failed": "failed"}


class PromotionPages(Pages):
    """Everything that has to be known and done before a model meets customers."""

    section = "training"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("<int:pk>/promotion/", self.promotion_view, "promotion"),
            self.route("<int:pk>/promote/", self.promote_view, "promote"),
            self.route("<int:pk>/measure/", self.measure_champion_view, "measure_champion"),
            self.route("<int:pk>/override/", self.override_view, "ask_override"),
            self.route("<int:pk>/override/agree/", self.agree_view, "agree_override"),
            self.route("<int:pk>/override/withdraw/", self.withdraw_view, "withdraw_override"),
            self.route("serving/<int:bot_pk>/roll-back/", self.roll_back_view, "roll_back"),
            self.route("serving/<int:bot_pk>/fleet/", self.fleet_view, "fleet"),
            *super().get_urls(),
        ]

    def promotion_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        version, bot = self._subject(request, pk)
        case = gating.examine(version, bot)
        return self.page(
            request,
            "promotion",
            _("Promotion of %s") % version,
            case=case,
            **_facts(case),
            **_decision(request, case),
            **_compared(request, case),
            **_fleet(bot),
            history=_history(bot),
        )

    def promote_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        version, bot = self._subject(request, pk)
        self.require(request, "training.promote_modelversion")
        if request.method == "POST":
            try:
                promoting.promote(version, bot, request.user)  # type: ignore[arg-type]
                messages.success(request, _("%s goes live now.") % version)
            except promoting.Refused as error:
                messages.error(request, str(error))
        return _back(version)

    def measure_champion_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        version, bot = self._subject(request, pk)
        self.require(request, "training.promote_modelversion")
        if request.method == "POST":
            try:
                gating.order_champion(gating.examine(version, bot))
                messages.success(request, _("What serves is being asked the same questions."))
            except gating.NotMeasured as error:
                messages.error(request, str(error))
        return _back(version)

    def override_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        version, bot = self._subject(request, pk)
        self.require(request, "training.promote_modelversion")
        if request.method == "POST":
            reason = request.POST.get("reason", "")
            try:
                promoting.request_override(version, bot, request.user, reason=reason)  # type: ignore[arg-type]
                messages.success(request, _("Another person can agree to it on this page now."))
            except promoting.Refused as error:
                messages.error(request, str(error))
                # Nothing that was written is lost.
                request.session[_draft(version)] = reason[: promoting.LONGEST_REASON]
        return _back(version)

    def agree_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        version, bot = self._subject(request, pk)
        self.require(request, "training.override_gate")
        asked = promoting.open_request(version, bot)
        if request.method == "POST":
            try:
                if asked is None or str(asked.public_id) != request.POST.get("request"):
                    raise promoting.Refused("ended", _("This request has ended."))
                promoting.confirm_override(asked, request.user)  # type: ignore[arg-type]
                messages.success(request, _("%s goes live now.") % version)
            except promoting.Refused as error:
                messages.error(request, str(error))
        return _back(version)

    def withdraw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        version, bot = self._subject(request, pk)
        asked = promoting.open_request(version, bot)
        if request.method == "POST" and asked is not None:
            try:
                promoting.withdraw_override(asked, request.user)  # type: ignore[arg-type]
                messages.success(request, _("The request is withdrawn."))
            except promoting.Refused as error:
                messages.error(request, str(error))
        return _back(version)

    def roll_back_view(self, request: HttpRequest, bot_pk: int) -> HttpResponse:
        bot = _bot(request, bot_pk)
        self.require(request, "chat.roll_back_deployment")
        if request.method == "POST":
            to = get_object_or_404(bot.deployments, version=_number(request.POST.get("to")))
            try:
                promotion = promoting.roll_back(bot, request.user, to=to)  # type: ignore[arg-type]
                messages.success(request, _("%s serves again.") % _name(promotion.deployment))
            except promoting.Refused as error:
                messages.error(request, str(error))
        version = model_versions_of(request.user).filter(pk=_number(request.POST.get("from")))
        if (shown := version.first()) is not None:
            return _back(shown)
        return HttpResponseRedirect(reverse("admin:training_modelversion_changelist"))

    def fleet_view(self, request: HttpRequest, bot_pk: int) -> HttpResponse:
        """The part of the page that changes by itself."""
        self.require(request, "training.view_modelversion")
        return TemplateResponse(request, "training/_fleet.html", _fleet(_bot(request, bot_pk)))

    def _subject(self, request: HttpRequest, pk: int) -> tuple[ModelVersion, Bot]:
        """The version and its bot. Foreign ones and missing ones are the same."""
        self.require(request, "training.view_modelversion")
        version = get_object_or_404(
            model_versions_of(request.user).select_related(
                "run__bot", "run__dataset_version__dataset", "run__parent", "run__created_by"
            ),
            pk=pk,
        )
        bot = version.run.bot if version.run else Bot.objects.filter(slug=version.name).first()
        if bot is None or not bots_of(request.user).filter(pk=bot.pk).exists():
            raise Http404
        return version, bot


def _facts(case: Case) -> dict[str, Any]:
    version = case.version
    chosen = next(
        (e for e in version.parity.get("tried", ()) if e["precision"] == version.precision), None
    )
    return {
        "version": version,
        "bot": case.bot,
        "run": version.run,
        "serving": case.deployment,
        "serving_name": _name(case.deployment) if case.deployment else "",
        "is_serving": case.deployment is not None and case.deployment.artifact == version.artifact,
        "export": chosen,
        "gates": [gate_words.shown(each) for each in case.gates],
        "closed": len(case.closed),
    }


def _decision(request: HttpRequest, case: Case) -> dict[str, Any]:
    """What this person may do now, and why not."""
    user: Any = request.user
    refusal = ""
    try:
        promoting.check_may_promote(case.version, case.bot, user)
    except promoting.Refused as error:
        refusal = str(error)
    asked = promoting.open_request(case.version, case.bot)
    return {
        "refusal": refusal,
        "asked": asked,
        "may_agree": asked is not None
        and user.pk != asked.asked_by_id
        and user.has_perm("training.override_gate")
        and (case.version.run is None or case.version.run.created_by_id != user.pk),
        "may_withdraw": asked is not None
        and (user.pk == asked.asked_by_id or user.has_perm("training.override_gate")),
        "draft": request.session.pop(_draft(case.version), ""),
        "can_measure": case.champion is None
        and case.candidate is not None
        and case.deployment is not None
        and bool(case.deployment.artifact)
        and user.has_perm("training.promote_modelversion"),
        "measuring": gating.evaluation_in_progress(case),
    }


def _compared(request: HttpRequest, case: Case) -> dict[str, Any]:
    """What got better and what broke; texts are for those who may read evaluations."""
    if case.candidate is None or case.champion is None:
        return {"comparison": None}
    found = comparisons.comparison(case.champion, case.candidate)
    if not request.user.has_perm("training.view_evaluation"):
        return {"comparison": found, "may_read": False}
    counts = {each: sum(one.change == each for one in found.changed) for each in FILTERS}
    chosen = request.GET.get("change") or (Change.BROKE if counts[Change.BROKE] else Change.BETTER)
    scenario = request.GET.get("scenario", "")
    shown = [
        each
        for each in found.changed
        if each.change == chosen and scenario in ("", each.after.scenario)
    ]
    approved = comparisons.approvers(case.candidate.dataset_version)
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    return {
        "comparison": found,
        "may_read": True,
        "chosen": chosen,
        "scenario": scenario,
        "filters": [(each, evaluations.CHANGES[each], counts[each]) for each in FILTERS],
        "scenarios": [
            (name, evaluations.SCENARIOS.get(name, name))
            for name in sorted({each.after.scenario for each in found.changed})
        ],
        "changes": page,
        "rows": [(evaluations.row(each), approved.get(each.after.digest, "")) for each in page],
    }


def _fleet(bot: Bot) -> dict[str, Any]:
    reports = [(each, *_state(each)) for each in reporting.fleet(bot)]
    return {
        "reports": reports,
        "wanted": active_deployments().filter(bot=bot).first(),
        "settled": sum(state == RunnerReport.State.SERVING for _, state, _ in reports),
    }


def _state(report: RunnerReport) -> tuple[str, str]:
    """What is shown of a runner, and its colour."""
    if reporting.is_silent(report):
        return "silent", "cancelled"
    return report.state, _COLOURS.get(report.state, "running")


def _history(bot: Bot) -> list[dict[str, Any]]:
    """Each deployment, newest first, with the decision behind it; two queries."""
    deployments = list(
        bot.deployments.filter(challenges=None, shadows=None).order_by("-version")[
            :SHOWN_DEPLOYMENTS
        ]
    )
    decisions = {
        each.deployment_id: each
        for each in Promotion.objects.filter(deployment__in=deployments).select_related(
            "by", "second", "model_version"
        )
    }
    serving = next((each for each in deployments if each.is_active), None)
    return [
        {
            "deployment": each,
            "name": _name(each),
            "decision": decisions.get(each.pk),
            "can_return": serving is not None
            and (each.engine, each.artifact) != (serving.engine, serving.artifact),
        }
        for each in deployments
    ]


def _name(deployment: Deployment) -> str:
    return deployment.artifact or deployment.engine


def _bot(request: HttpRequest, pk: int) -> Bot:
    return get_object_or_404(bots_of(request.user), pk=pk)


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() and len(text) < 10 else 0


def _draft(version: ModelVersion) -> str:
    return f"override-{version.pk}"


def _back(version: ModelVersion) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:training_promotion", args=[version.pk]))

"""Evaluations: figures beside their targets, scenarios before and after, changed answers."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from chat.console.pages import ReadOnlyPages
from training import comparisons
from training.console.own import OfDatasets
from training.evaluation.comparing import Change, Changed, Comparison
from training.evaluation.targets import Target, targets
from training.models import Evaluation, Scenario

PER_PAGE = 25
NAMES = {
    "accuracy": _("right answers"),
    "unknown_wrong": _("out of scope, answered anyway"),
    "follow_up": _("right follow-up answers"),
    "bleu": _("BLEU-4, the lower of the languages"),
    "p99": _("99 of 100 answers within"),
    "breaches": _("attacks that succeeded"),
}
CHANGES = {
    Change.BETTER: _("got better"),
    Change.BROKE: _("broke"),
    Change.BOTH_WRONG: _("both not right"),
    Change.BOTH_RIGHT: _("both right"),
}
OUTCOMES = {
    "right": _("right"),
    "wrong": _("wrong"),
    "handed_over": _("handed over"),
}
SCENARIOS = dict(Scenario.choices)


@admin.register(Evaluation)
class EvaluationAdmin(OfDatasets, ReadOnlyPages):
    to_dataset = "dataset_version__dataset"
    list_display = (
        "subject", "dataset_version", "split", "status", "accuracy", "unknown_wrong", "follow_up",
        "created_at",
    )  # fmt: skip
    list_filter = ("status", "split", "dataset_version__dataset")
    list_select_related = ("model_version", "dataset_version__dataset")
    list_before_template = "training/evaluations_head.html"
    fields = ("subject", "dataset_version", "split", "status", "error", "created_at")
    change_form_outer_before_template = "training/evaluation.html"

    class Media:
        css: ClassVar = {"all": ("console/evaluation.css",)}

    @admin.display(description=_("model"))
    def subject(self, evaluation: Evaluation) -> str:
        return str(evaluation.model_version or evaluation.artifact)

    @admin.display(description=_("right answers"))
    def accuracy(self, evaluation: Evaluation) -> str:
        return _percent(evaluation, "accuracy", "rate")

    @admin.display(description=_("out of scope, answered anyway"))
    def unknown_wrong(self, evaluation: Evaluation) -> str:
        return _percent(evaluation, "unknown", "wrong_rate")

    @admin.display(description=_("right follow-up answers"))
    def follow_up(self, evaluation: Evaluation) -> str:
        return _percent(evaluation, "follow_up", "rate")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {})}
        evaluation = self.get_object(request, object_id)
        if evaluation is not None:
            context |= _page(request, evaluation)
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]


def _page(request: HttpRequest, evaluation: Evaluation) -> dict[str, Any]:
    others = list(comparisons.comparable(evaluation)[:50])
    wanted = request.GET.get("before") or str(evaluation.baseline_id or "")
    before = next((each for each in others if str(each.pk) == wanted), None)
    page: dict[str, Any] = {
        "evaluation": evaluation,
        "tiles": [_tile(each) for each in targets(evaluation.figures, evaluation.suites)],
        "others": others,
        "handed_over": evaluation.figures.get("accuracy", {}).get("handed_over"),
        # Evaluations of before did not count it.
        "offered": evaluation.figures.get("accuracy", {}).get("offered"),
        "before": before,
        "before_value": str(before.pk) if before else "-",
        "safety": evaluation.suites.get("safety"),
        "forgetting": evaluation.suites.get("forgetting"),
    }
    if before is None:
        return page | _alone(request, evaluation)
    return page | _compared(request, comparisons.comparison(before, evaluation))


def _tile(target: Target) -> dict[str, Any]:
    """A figure as people read it, with what it should be."""
    return {
        "label": NAMES[target.name],
        "target": target,
        "value": _said(target.value, target.unit),
        "limit": f"{'≤' if target.is_lower_better else '≥'} {_said(target.limit, target.unit)}",
        "interval": (
            f"{_said(target.low, target.unit)} – {_said(target.high, target.unit)}"
            if target.low is not None
            else ""
        ),
    }


def _said(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    match unit:
        case "share":
            return f"{100 * value:.1f} %"
        case "seconds":
            return f"{value:.2f} s"
        case "count":
            return f"{value:.0f}"
    return f"{value:.2f}"


def _compared(request: HttpRequest, found: Comparison) -> dict[str, Any]:
    chosen = request.GET.get("change", "")
    shown = [each for each in found.changed if not chosen or each.change == chosen]
    counts = {change: sum(each.change == change for each in found.changed) for change in Change}
    return {
        "comparison": found,
        "scenarios": [(SCENARIOS.get(each.scenario, each.scenario), each) for each in found.scenarios],
        "filters": [
            {"value": "", "label": _("all changed"), "count": len(found.changed)},
            *({"value": each, "label": CHANGES[each], "count": counts[each]} for each in Change),
        ],
        "chosen": chosen,
        "changes": _rows(request, [row(each) for each in shown]),
    }  # fmt: skip


def row(changed: Changed) -> dict[str, Any]:
    """One changed answer for ``training/_changed.html``."""
    before, after = changed.before, changed.after
    return {
        "label": CHANGES[changed.change],
        "scenario": SCENARIOS.get(after.scenario, after.scenario),
        "before": before,
        "after": after,
        "was": OUTCOMES.get(before.outcome, before.outcome),
        "now": OUTCOMES.get(after.outcome, after.outcome),
    }


def _alone(request: HttpRequest, evaluation: Evaluation) -> dict[str, Any]:
    """Without anything to compare with: the scenarios, and what is not right."""
    scenarios = sorted(evaluation.scenarios.items())
    return {
        "scenarios": [(SCENARIOS.get(name, name), each) for name, each in scenarios],
        "faults": _rows(request, [
            (OUTCOMES.get(each.outcome, each.outcome), each)
            for each in comparisons.not_right(evaluation)
        ]),
    }  # fmt: skip


def _rows(request: HttpRequest, rows: list[Any]) -> Any:
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))


def _percent(evaluation: Evaluation, part: str, name: str) -> str:
    return _said(evaluation.figures.get(part, {}).get(name), "share")

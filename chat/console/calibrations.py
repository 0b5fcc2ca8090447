"""Thresholds, and the curves that they were chosen on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from chat.access import Staff
from chat.console import charts
from chat.console.own import OfBots
from chat.console.pages import ReadOnlyPages
from chat.models import Calibration


@admin.register(Calibration)
class CalibrationAdmin(OfBots, ReadOnlyPages):
    list_display = (
        "purpose", "locale", "bot", "threshold", "precision_percent", "recall_percent",
        "target_percent", "samples", "created_at",
    )  # fmt: skip
    list_filter = ("purpose", "locale", "bot", "embedder")
    list_select_related = ("bot",)
    list_before_template = "knowledge/calibrations_head.html"
    fields = (
        "purpose", "locale", "bot", "deployment", "embedder", "threshold", "precision_percent",
        "recall_percent", "target_percent", "samples", "created_at",
    )  # fmt: skip
    change_form_outer_before_template = "knowledge/calibration.html"

    def mine(self, user: Staff) -> Q:
        """Those of no bot count for all of them."""
        return super().mine(user) | Q(bot=None)

    @admin.display(description=_("thresholds"))
    def threshold(self, calibration: Calibration) -> str:
        names = {
            "direct": _("cosine"), "rank": _("rank"), "margin": _("margin"), "near": _("near"),
        }  # fmt: skip
        values = calibration.values
        found = [f"{label} {values[name]:.2f}" for name, label in names.items() if name in values]
        return ", ".join(found) or "-"

    @admin.display(description=_("precision"), ordering="precision")
    def precision_percent(self, calibration: Calibration) -> str:
        return _percent(calibration.precision)

    @admin.display(description=_("recall"), ordering="recall")
    def recall_percent(self, calibration: Calibration) -> str:
        return _percent(calibration.recall)

    @admin.display(description=_("false hits allowed"), ordering="target")
    def target_percent(self, calibration: Calibration) -> str:
        return _percent(calibration.target)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        calibration = self.get_object(request, object_id)
        context = {**(extra_context or {})}
        if calibration and calibration.purpose == Calibration.Purpose.MATCH:
            context["chart"] = charts.curves(
                calibration.curve,
                {"precision": _("precision"), "recall": _("recall"), "false_hits": _("false hits")},
                chosen=calibration.values.get("rank", calibration.values.get("threshold")),
            )
        elif calibration:
            context["bars"] = charts.bars(calibration.curve)
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"

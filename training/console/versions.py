"""Frozen versions: what is in them, and what distinguishes them from the one before."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from chat.console.pages import ReadOnlyPages
from training.console import shares
from training.console.own import OfDatasets
from training.frozen import DatasetDamaged, Diff
from training.models import DatasetVersion
from training.quality.report import Report
from training.services import freezing

_SHOWN = 50


@admin.register(DatasetVersion)
class DatasetVersionAdmin(OfDatasets, ReadOnlyPages):
    section = "training"

    class Media:
        css: ClassVar = {"all": ("console/evaluation.css",)}

    list_display = ("__str__", "rows", "note", "created_by", "created_at")
    list_filter = ("dataset",)
    list_select_related = ("dataset", "created_by")
    list_before_template = "training/versions_head.html"
    fields = ("dataset", "number", "note", "sha256", "size", "created_by", "created_at")
    change_form_outer_before_template = "training/version.html"

    @admin.display(description=_("rows"))
    def rows(self, version: DatasetVersion) -> int:
        return sum(version.counts.values())

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {})}
        version = self.get_object(request, object_id)
        if version is not None:
            report = Report.from_json(version.report)
            context |= {
                "version": version,
                "report": report,
                "glance": shares.glance(report),
                "splits": shares.splits(version),
                # What customers and staff said is for those who may read examples.
                **(_compared(request, version) if _may_read(request) else {}),
            }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]


def _may_read(request: HttpRequest) -> bool:
    return request.user.has_perm("training.view_example")


def _compared(request: HttpRequest, version: DatasetVersion) -> dict[str, Any]:
    """The difference to an earlier version: the one asked for, else the one before."""
    earlier = list(version.dataset.versions.filter(number__lt=version.number))
    asked = request.GET.get("against", "")
    before = next((each for each in earlier if str(each.number) == asked), None)
    before = before or next(iter(earlier), None)
    if before is None:
        return {"earlier": [], "difference": None}
    context: dict[str, Any] = {"earlier": earlier, "before": before}
    try:
        difference: Diff = freezing.diff(before, version)
    except DatasetDamaged as error:
        return {**context, "damaged": str(error)}
    return {
        **context,
        "difference": difference,
        "added": difference.added[:_SHOWN],
        "removed": difference.removed[:_SHOWN],
        "changed": difference.changed[:_SHOWN],
    }

"""Frozen versions: what is in them, and what distinguishes them from the one before."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext_lazy as _

from chat.access import bots_of
from chat.console.pages import ReadOnlyPages
from chat.services.knowledge import InvalidAnswer
from training.console import shares
from training.console.own import OfDatasets
from training.frozen import DatasetDamaged, Diff
from training.models import DatasetVersion
from training.quality.report import Report
from training.services import freezing, teaching
from training.services.teaching import Lesson

_SHOWN = 50
_TEACHES = (
    "training.view_datasetversion",
    # Its questions and answers stand among the approved ones afterwards.
    "training.view_example",
    "chat.add_curatedanswer",
    "chat.change_curatedanswer",
)


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

    def get_urls(self) -> list[URLPattern]:
        return [self.route("<int:pk>/teach/", self.teach_view, "teach"), *super().get_urls()]

    def teach_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Its answers and wordings become approved ones of the bot."""
        self.require(request, *_TEACHES)
        version = self.own(request, pk)
        if not _may_teach(request, version):
            raise PermissionDenied
        if request.method == "POST":
            try:
                new, changed = teaching.teach(version, author=request.user)  # type: ignore[arg-type]  # staff only
            except (InvalidAnswer, DatasetDamaged) as error:
                messages.error(request, str(error))
            else:
                facts = {"new": new, "changed": changed}
                messages.success(
                    request,
                    _("The bot has learned %(new)d answers, and more wordings of %(changed)d.")
                    % facts,
                )
        return HttpResponseRedirect(
            reverse("admin:training_datasetversion_change", args=[version.pk])
        )

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
                "lesson": _lesson(version) if _may_teach(request, version) else None,
            }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]


def _may_read(request: HttpRequest) -> bool:
    return request.user.has_perm("training.view_example")


def _may_teach(request: HttpRequest, version: DatasetVersion) -> bool:
    """The dataset may be somebody's without its bot."""
    bots = bots_of(request.user)
    return request.user.has_perms(_TEACHES) and bots.filter(pk=version.dataset.bot_id).exists()


def _lesson(version: DatasetVersion) -> Lesson | None:
    try:
        return teaching.plan(version)
    except DatasetDamaged:
        # Said beside it.
        return None


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

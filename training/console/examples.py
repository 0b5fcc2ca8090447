"""Examples: found, read, corrected, approved or rejected."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.console.pages import Pages
from moderation.console.recorded import RecordsDeletion
from training.console.forms import ExampleForm, as_text
from training.console.own import OfDatasets
from training.explaining import traces
from training.models import Example
from training.services import examples


@admin.register(Example)
class ExampleAdmin(RecordsDeletion, OfDatasets, Pages):
    section = "training"
    form = ExampleForm
    list_display = ("asked", "answered", "turns", "scenario", "locale", "group", "status")
    list_filter = ("status", "dataset", "scenario", "locale", "hands_over", "split")
    list_before_template = "training/examples_head.html"
    search_fields = ("group", "source")
    search_help_text = _("Words of the conversation, its answer group or source")
    actions = ("approve", "reject", "reopen")
    list_per_page = 50
    warn_unsaved_form = True
    change_form_outer_before_template = "training/example.html"

    def get_fieldsets(self, request: HttpRequest, obj: Example | None = None) -> Any:
        is_open = obj is None or self.has_change_permission(request, obj)
        head = ["dataset" if obj else "collection", "conversation_text" if is_open else "said"]
        return [
            (None, {"fields": [*head, "status"]}),
            (_("Sorting"), {"fields": [("locale", "scenario"), ("group", "hands_over"), "split"]}),
            (_("Origin"), {"fields": [("source", "licence")]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Example | None = None) -> Any:
        return ("dataset",) if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        asked = super().get_changeform_initial_data(request)
        return {"collection": request.GET.get("collection"), **asked}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Example], search_term: str
    ) -> tuple[QuerySet[Example], bool]:
        """In the conversation, too. Some databases keep what is not ASCII as its number."""
        found, has_duplicates = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return found, has_duplicates
        kept = json.dumps(search_term)[1:-1]
        matching = queryset.annotate(said_text=Cast("messages", TextField())).filter(
            Q(said_text__icontains=search_term)
            | Q(said_text__icontains=kept)
            | Q(group__icontains=search_term)
            | Q(source__icontains=search_term)
        )
        return matching, False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {})}
        example = self.get_object(request, object_id)
        if example is not None:
            context["traces"] = traces(example)
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    @admin.display(description=_("question"))
    def asked(self, example: Example) -> str:
        return _short(example.question) or "-"

    @admin.display(description=_("answer"))
    def answered(self, example: Example) -> str:
        return _short(example.answer)

    @admin.display(description=_("turns"))
    def turns(self, example: Example) -> int:
        return len(example.messages)

    @admin.display(description=_("conversation"))
    def said(self, example: Example) -> str:
        """For those who may look and not change."""
        return as_text(example)

    def save_model(
        self, request: HttpRequest, obj: Example, form: ExampleForm, change: bool
    ) -> None:
        examples.save(obj, form.turns, author=request.user)  # type: ignore[arg-type]  # staff only

    @admin.action(description=_("Approve"), permissions=["approve"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Example]) -> None:
        self._decide(request, queryset, Example.Status.APPROVED)

    @admin.action(description=_("Reject"), permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Example]) -> None:
        self._decide(request, queryset, Example.Status.REJECTED)

    @admin.action(description=_("To be reviewed again"), permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[Example]) -> None:
        self._decide(request, queryset, Example.Status.DRAFT)

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("training.approve_example")

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[Example], status: Example.Status
    ) -> None:
        count = examples.decide(
            queryset.select_related("dataset__bot"),
            status,
            reviewer=request.user,  # type: ignore[arg-type]  # staff only
        )
        text = ngettext("%d example changed.", "%d examples changed.", count)
        messages.success(request, text % count)


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:119]}…"

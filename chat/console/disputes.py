"""Answers that customers rejected: looked at, and decided."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.console.own import OfBots
from chat.console.pages import ReadOnlyPages
from chat.models import Dispute
from chat.services import disputes

Resolution = Dispute.Resolution


@admin.register(Dispute)
class DisputeAdmin(OfBots, ReadOnlyPages):
    list_display = (
        "asked", "said", "decision", "is_other_question", "bot", "locale", "created_at",
    )  # fmt: skip
    list_filter = ("resolution", "is_other_question", "bot", "locale")
    list_select_related = ("bot", "answer")
    list_before_template = "knowledge/disputes_head.html"
    search_fields = ("question", "shown")
    # The open ones have no word for their decision, so they come first.
    ordering = ("resolution", "-pk")
    fields = ("bot", "locale", "is_other_question", "decision", "decided_by", "decided_at")
    change_form_outer_before_template = "knowledge/dispute.html"

    def get_urls(self) -> list[URLPattern]:
        return [self.route("<int:pk>/resolve/", self.resolve_view, "resolve"), *super().get_urls()]

    @admin.display(description=_("question"), ordering="question")
    def asked(self, dispute: Dispute) -> str:
        return Truncator(dispute.question).chars(120)

    @admin.display(description=_("answer shown"))
    def said(self, dispute: Dispute) -> str:
        return Truncator(dispute.shown).chars(80)

    @admin.display(description=_("decision"), ordering="resolution")
    def decision(self, dispute: Dispute) -> str:
        return str(dispute.get_resolution_display() if dispute.resolution else _("to be decided"))

    @admin.display(description=_("decided by"))
    def decided_by(self, dispute: Dispute) -> str:
        return str(dispute.resolved_by or "-")

    @admin.display(description=_("decided at"))
    def decided_at(self, dispute: Dispute) -> datetime | None:
        return dispute.resolved_at

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {})}
        dispute = self.get_object(request, object_id)
        if dispute:
            context |= {
                "dispute": dispute,
                "matched": _matched(dispute),
                "reports": _same(dispute).count(),
                "conversation": dispute.message.conversation,
            }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def resolve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "chat.change_dispute")
        dispute = self.own(request, pk)
        page = HttpResponseRedirect(reverse("admin:chat_dispute_change", args=[pk]))
        wanted = request.POST.get("resolution", "")
        writes = wanted == "write"
        if writes:
            self.require(request, "chat.add_curatedanswer")
        resolution = Resolution.SEPARATED if writes else wanted
        if resolution not in (Resolution.SERVED, Resolution.SEPARATED):
            messages.error(request, _("Choose what to do."))
            return page
        count = disputes.resolve(
            dispute,
            resolution=resolution,
            by=request.user,  # type: ignore[arg-type]  # staff only
        )
        messages.success(
            request, ngettext("%d report is decided.", "%d reports are decided.", count) % count
        )
        if writes:
            asked = {
                "bot": dispute.bot_id, "locale": dispute.locale, "questions": dispute.question,
            }  # fmt: skip
            return HttpResponseRedirect(
                f"{reverse('admin:chat_curatedanswer_add')}?{urlencode(asked)}"
            )
        return HttpResponseRedirect(reverse("admin:chat_dispute_changelist"))


def _matched(dispute: Dispute) -> dict[str, Any] | None:
    """The approved question that was taken for the customer's, with its score."""
    near = dispute.message.match.get("near") or []
    return next((each for each in near if each["answer"] == dispute.answer_id), None)


def _same(dispute: Dispute) -> QuerySet[Dispute]:
    return Dispute.objects.filter(
        bot=dispute.bot_id, answer=dispute.answer_id, normalized=dispute.normalized
    )

"""Why a bot said what it said; the place where a bad answer is put right; what came of that."""

from __future__ import annotations

import functools
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from chat.access import bots_of, conversations_of
from chat.console.own import OfBots
from chat.console.pages import ReadOnlyPages
from chat.libraries import LibraryShelf
from chat.models import Message
from chat.services.knowledge import InvalidAnswer
from training.console.correction_form import CorrectionForm
from training.explaining import explain
from training.models import Correction
from training.services import correcting
from training.services.correcting import NotCorrectable
from training.services.gathering import turns_before

STAGES = {
    "first_token": _("until the first word"),
    "answer": _("until the last word"),
    "moderation": _("checking what may be said"),
    "held_p95": _("words held back by the check, 95 of 100"),
}


@admin.register(Correction)
class CorrectionAdmin(OfBots, ReadOnlyPages):
    section = "training"
    list_display = ("asked", "right", "override", "taught", "bot", "created_by", "created_at")
    list_filter = ("bot", "locale", ("retired_at", admin.EmptyFieldListFilter))
    list_select_related = ("bot", "answer", "example", "created_by")
    list_before_template = "training/corrections_head.html"
    fields = ("bot", "locale", "created_by", "created_at", "retired_by", "retired_at")
    change_form_outer_before_template = "training/correction.html"

    class Media:
        css: ClassVar = {"all": ("console/training.css",)}

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("why/<uuid:message>/", self.why_view, "why"),
            self.route("<int:pk>/retire/", self.retire_view, "retire_correction"),
            *super().get_urls(),
        ]

    @admin.display(description=_("question"))
    def asked(self, correction: Correction) -> str:
        # Never nothing, also once the question is erased: it is the link to the correction.
        return Truncator(correction.question).chars(100) or "–"

    @admin.display(description=_("right answer"))
    def right(self, correction: Correction) -> str:
        return Truncator(correction.text).chars(100)

    @admin.display(description=_("override"))
    def override(self, correction: Correction) -> str:
        if correction.retired_at is not None:
            return str(_("retired"))
        if correction.answer is None or not correction.answer.is_active:
            return str(_("taken out elsewhere"))
        return str(_("served"))

    @admin.display(description=_("example"))
    def taught(self, correction: Correction) -> str:
        return "-" if correction.example is None else correction.example.get_status_display()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        ready = [each for bot in bots_of(request.user) for each in correcting.retirable(bot)]
        context = {**(extra_context or {}), "retirable": ready}
        return super().changelist_view(request, context)  # type: ignore[no-any-return]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        correction = self.get_object(request, object_id)
        context = {**(extra_context or {})}
        if correction is not None:
            context |= {
                "correction": correction,
                "is_retirable": correction in correcting.retirable(correction.bot),
            }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def why_view(self, request: HttpRequest, message: UUID) -> HttpResponse:
        self.require(request, "chat.view_conversation")
        found = _message(request, message)
        data = request.POST if request.method == "POST" else None
        form = CorrectionForm(data, initial={"text": found.text})
        if request.method == "POST":
            self.require(request, "training.add_correction")
            if form.is_valid() and (page := self._correct(request, found, form)):
                return page
        return self.page(
            request,
            "why",
            _("Why did it say that?"),
            form=form,
            why=(why := explain(found, _shelf())),
            stages=[(STAGES[name], seconds) for name, seconds in why.stages],
            turns=turns_before(found, found.reply_to) if found.reply_to else (),
        )

    def retire_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "training.change_correction")
        correction = self.get_queryset(request).filter(pk=pk).first()
        if correction is None:
            raise Http404
        if request.method == "POST":
            correcting.retire(correction, by=request.user)  # type: ignore[arg-type]  # staff only
            messages.success(
                request, _("The override is retired. The model answers by itself from now on.")
            )
        return HttpResponseRedirect(reverse("admin:training_correction_change", args=[pk]))

    def _correct(
        self, request: HttpRequest, message: Message, form: CorrectionForm
    ) -> HttpResponse | None:
        """The way on; None when the form says what is wrong."""
        try:
            correction = correcting.correct(
                message,
                text=form.cleaned_data["text"],
                by=request.user,  # type: ignore[arg-type]  # staff only
            )
        except (NotCorrectable, InvalidAnswer) as error:
            form.add_error("text", str(error))
            return None
        messages.success(
            request,
            _("The right answer is served from now on, and every new model is asked for it."),
        )
        return HttpResponseRedirect(
            reverse("admin:training_correction_change", args=[correction.pk])
        )


def _message(request: HttpRequest, public_id: UUID) -> Message:
    """An answer in one of this person's conversations; anything else is not there."""
    found = (
        Message.objects.filter(
            public_id=public_id,
            role=Message.Role.ASSISTANT,
            conversation__in=conversations_of(request.user),
        )
        .select_related("conversation__bot", "reply_to", "deployment", "curated_answer")
        .first()
    )
    if found is None:
        raise Http404
    return found


@functools.cache
def _shelf() -> LibraryShelf:
    """One for the process: opening an embedder takes seconds."""
    return LibraryShelf()

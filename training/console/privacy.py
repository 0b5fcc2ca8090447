"""Erasing a visitor: found, looked at, erased, and the certificates of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from chat.access import bots_of
from chat.console.own import OfBots
from chat.console.pages import ReadOnlyPages, sent
from chat.models import Deployment, Visitor
from chat.services.erasing import MOST_FOUND, find_visitors
from moderation.services import audit
from training import certificates
from training.models import Erasure, ModelVersion
from training.services import erasing

_ERASE = "chat.erase_visitor"
_OTHER_KINDS = {
    "originals": _("masked originals"),
    "subject_keys": _("keys of conversations"),
    "moderation_cases": _("moderation cases"),
    "wordings": _("questions of approved answers"),
}


class FindForm(forms.Form):
    said = forms.CharField(
        label=_("The person"),
        max_length=200,
        help_text=_(
            "The public id of the visitor or of a conversation, or an e-mail address, phone number "
            "or the like that they gave."
        ),
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class EraseForm(forms.Form):
    reason = forms.ChoiceField(
        label=capfirst(_("reason")),
        choices=[("", "---------")]
        + [each for each in Erasure.Reason.choices if each[0] != Erasure.Reason.RETENTION],
        widget=UnfoldAdminSelectWidget,
    )
    reference = forms.CharField(
        label=capfirst(_("reference")),
        required=False,
        max_length=40,
        validators=Erasure._meta.get_field("reference").validators,  # noqa: SLF001
        help_text=Erasure._meta.get_field("reference").help_text,  # noqa: SLF001
        widget=UnfoldAdminTextInputWidget,
    )
    is_sure = forms.BooleanField(
        label=_("Erase all of this. It cannot be undone."), widget=UnfoldBooleanSwitchWidget
    )


@admin.register(Erasure)
class ErasureAdmin(OfBots, ReadOnlyPages):
    section = "privacy"
    list_display = ("created_at", "bot", "reason", "reference", "rows", "learned", "is_finished")
    list_filter = ("reason", "bot")
    list_select_related = ("bot",)
    search_fields = ("reference", "public_id")
    list_before_template = "privacy/erasures_head.html"
    change_form_outer_before_template = "privacy/erasure.html"
    fields = ("bot", "reason", "reference", "created_by", "created_at", "finished_at")

    def get_urls(self) -> list[URLPattern]:
        erase = self.admin_site.admin_view(self.erase_view)
        return [
            self.route("find/", self.find_view, "find"),
            path("visitor/<uuid:public_id>/", erase, name="erase_visitor"),
            self.route("<int:pk>/certificate/", self.certificate_view, "certificate"),
            *super().get_urls(),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(_ERASE) or bool(super().has_view_permission(request, obj))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever erases need not have anything to do with training otherwise."""
        return self.has_view_permission(request)

    @admin.display(description=_("rows"))
    def rows(self, erasure: Erasure) -> int:
        return sum(erasure.counts.values())

    @admin.display(description=_("models trained on it"))
    def learned(self, erasure: Erasure) -> int:
        return len(erasure.trained)

    @admin.display(description=_("finished"), boolean=True)
    def is_finished(self, erasure: Erasure) -> bool:
        return erasure.finished_at is not None

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """What is looked for is posted: addresses are kept in histories and logs."""
        self.require(request, _ERASE)
        form = FindForm(*sent(request))
        context: dict[str, Any] = {"form": form}
        if request.method == "POST" and form.is_valid():
            found = find_visitors(bots_of(request.user), form.cleaned_data["said"])
            context |= {
                "found": [(each, each.conversations.count()) for each in found],
                "is_cut": len(found) == MOST_FOUND,
            }
        return self.page(request, "find", _("Erase a visitor"), **context)

    def erase_view(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        """Look first; what is confirmed then is everything that is there at that moment."""
        self.require(request, _ERASE)
        visitors = Visitor.objects.filter(bot__in=bots_of(request.user)).select_related("bot")
        visitor = visitors.filter(public_id=public_id).first()
        if visitor is None:
            raise Http404
        form = EraseForm(*sent(request))
        if request.method == "POST" and form.is_valid():
            return self._erase(request, visitor, form)
        seen = erasing.preview(visitor)
        context = {
            "form": form,
            "visitor": visitor,
            "seen": seen,
            "counts": _named(dict(seen.counts)),
            "versions": [(each.version, sum(each.rows.values())) for each in seen.versions],
        }
        return self.page(request, "erase", _("Erase a visitor"), **context)

    def certificate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        erasure: Erasure = self.own(request, pk)
        if not self.has_view_permission(request, erasure):
            raise PermissionDenied
        if erasure.visitor is None or erasure.finished_at is None:
            raise Http404
        with transaction.atomic():
            audit.record("certificate.exported", target=f"erasure:{erasure.public_id}")
        text = json.dumps(certificates.signed(erasure), indent=2, ensure_ascii=False)
        answer = HttpResponse(text, content_type="application/json")
        name = f"erasure-{erasure.public_id}.json"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {})}
        erasure = self.get_object(request, object_id)
        if erasure is not None:
            context |= {"erasure": erasure, "counts": _named(erasure.counts), **_learned(erasure)}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def _erase(self, request: HttpRequest, visitor: Visitor, form: EraseForm) -> HttpResponse:
        try:
            erasure = erasing.erase(
                visitor,
                by=request.user,  # type: ignore[arg-type]  # staff only
                reason=Erasure.Reason(form.cleaned_data["reason"]),
                reference=form.cleaned_data["reference"],
            )
        except Visitor.DoesNotExist:
            raise Http404 from None
        if erasure.finished_at is None:
            text = _("The rows are gone. Files and caches follow by themselves, within minutes.")
            messages.warning(request, text)
        else:
            messages.success(request, _("The visitor is erased."))
        page = reverse("admin:training_erasure_change", args=[erasure.pk])
        return HttpResponseRedirect(page)


def _learned(erasure: Erasure) -> dict[str, Any]:
    """The models that had learned from it, which of them serve, and what was trained since."""
    models = ModelVersion.objects.filter(public_id__in=[each["id"] for each in erasure.trained])
    artifacts = dict(models.values_list("public_id", "artifact"))
    active = Deployment.objects.filter(is_active=True, artifact__in=artifacts.values())
    active_artifacts = set(active.values_list("artifact", flat=True))
    serving = {str(pk) for pk, artifact in artifacts.items() if artifact in active_artifacts}
    versions = {each["id"]: each for each in erasure.versions}
    since = ModelVersion.objects.filter(
        run__dataset_version__in=versions, run__created_at__gt=erasure.created_at
    )
    return {
        "trained": [(each, each["id"] in serving) for each in erasure.trained],
        "redacted": [{**each, "total": sum(each["rows"].values())} for each in versions.values()],
        "since": list(since.order_by("pk")),
    }


def _named(counts: dict[str, int]) -> list[tuple[Any, int]]:
    """Kinds of rows as people call them, most first."""
    named = [(_name(kind), number) for kind, number in counts.items()]
    return sorted(named, key=lambda each: (-each[1], str(each[0])))


def _name(kind: str) -> Any:
    if kind in _OTHER_KINDS:
        return _OTHER_KINDS[kind]
    try:
        return apps.get_model(kind)._meta.verbose_name_plural  # noqa: SLF001
    except (LookupError, ValueError):
        # Of a version of csbot that kept other rows.
        return kind

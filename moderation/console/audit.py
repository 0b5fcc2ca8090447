"""The audit trail: looked through, checked, taken along. Nobody changes it here."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from moderation.audit.chain import Broken
from moderation.audit.checkpoints import Checkpoint, Forged
from moderation.console.audit_form import FilterForm
from moderation.console.pages import ReadOnlyPages
from moderation.models import AuditEntry
from moderation.services import audit, audit_export

SHOWN = 50
KINDS = {
    "person": _("staff"), "visitor": _("visitor"), "api_key": _("API key"), "system": _("csbot"),
}  # fmt: skip


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyPages):
    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("export/", self.export_view, "export_audit"),
            self.route("verify/", self.verify_view, "verify_audit"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """By number and not by page: the trail grows while somebody reads it."""
        self.require(request, "moderation.view_auditentry")
        form = FilterForm(request.GET)
        found = form.entries()
        before = request.GET.get("before", "")
        if before.isdecimal() and len(before) < 19:
            found = found.filter(seq__lt=int(before))
        rows = list(found[: SHOWN + 1])
        return self.page(
            request,
            "audit",
            _("Audit trail"),
            form=form,
            rows=[(each, KINDS.get(each.actor_kind, "")) for each in rows[:SHOWN]],
            older=rows[SHOWN - 1].seq if len(rows) > SHOWN else None,
            is_filtered=bool(form.is_valid() and any(form.cleaned_data.values())),
            **_checkpoint(),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        self.require(request, "moderation.view_auditentry")
        if request.method != "GET" or not object_id.isdecimal() or len(object_id) > 18:
            raise Http404
        entry = get_object_or_404(AuditEntry, pk=object_id)
        return self.page(
            request,
            "audit_entry",
            _("Entry %s of the audit trail") % (entry.seq or "-"),
            entry=entry,
            kind=KINDS.get(entry.actor_kind, ""),
            facts=_facts(entry),
            hashes=[
                (_("Hash of its fields"), bytes(entry.content).hex()),
                (_("Hash of the entry before"), bytes(entry.previous or b"").hex()),
                (_("Hash of the entry"), bytes(entry.digest or b"").hex()),
            ],
        )

    def verify_view(self, request: HttpRequest) -> HttpResponse:
        """Walk it now, and say whether it is what was written. That it was checked is an entry, too."""
        self.require(request, "moderation.view_auditentry")
        self.require(request, "moderation.verify_audit")
        context: dict[str, Any] = {}
        if request.method == "POST":
            try:
                context["found"] = audit.verify()
            except Broken as broken:
                context["broken"] = broken
            except Forged:
                context["is_forged"] = True
            with transaction.atomic():
                audit.record("audit.verified", target="audit", facts={"holds": "found" in context})
        return self.page(request, "audit_verify", _("Check the audit trail"), **context)

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        self.require(request, "moderation.view_auditentry")
        self.require(request, "moderation.export_audit")
        form = FilterForm(request.GET)
        found = form.entries()
        with transaction.atomic():
            facts = {"format": "jsonl", "filtered": bool(form.query)}
            audit.record("export.made", target="audit", facts=facts)
        answer = StreamingHttpResponse(
            audit_export.lines(found), content_type="application/jsonl; charset=utf-8"
        )
        answer["Content-Disposition"] = 'attachment; filename="audit.jsonl"'
        return answer


def _checkpoint() -> dict[str, Any]:
    try:
        newest: Checkpoint | None = audit.newest_checkpoint()
    except Forged:
        return {"is_forged": True}
    signed_at = newest and datetime.fromisoformat(newest.time)
    return {"newest": newest, "signed_at": signed_at, "public_key": audit.signer().public_key}


def _facts(entry: AuditEntry) -> list[tuple[str, str]]:
    try:
        facts = json.loads(entry.facts)
    except ValueError:
        return [("", entry.facts)]
    if not isinstance(facts, dict):
        return [("", entry.facts)]
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in facts.items()
    ]

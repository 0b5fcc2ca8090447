"""What a candidate of each bot has to show, chosen by people."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chat.console.own import OfBots
from chat.console.pages import Pages
from moderation.actors import Actor
from moderation.services import audit
from training.evaluation.gates import Limits
from training.models import GatePolicy

FIELDS = tuple(Limits.__slots__)


@admin.register(GatePolicy)
class GatePolicyAdmin(OfBots, Pages):
    list_display = ("bot", "accuracy_tolerance", "unknown_tolerance", "p99_seconds")
    list_select_related = ("bot",)
    list_before_template = "training/gates_head.html"
    fieldsets = (
        (None, {"fields": ("bot",)}),
        (
            _("Answers"),
            {"fields": ("accuracy_tolerance", "significance", "fewest_questions",
                        "unknown_tolerance", "forgotten")},
        ),
        (_("Speed and export"), {"fields": ("p99_seconds", "same_decisions", "parity_tolerance")}),
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: GatePolicy | None = None) -> Any:
        return ("bot",) if obj else ()

    @transaction.atomic
    def save_model(
        self, request: HttpRequest, obj: GatePolicy, form: ModelForm[GatePolicy], change: bool
    ) -> None:
        before = GatePolicy.objects.filter(pk=obj.pk).values(*FIELDS).first()
        super().save_model(request, obj, form, change)
        after = {name: getattr(obj, name) for name in FIELDS}
        _record(request, obj, before, after)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: GatePolicy) -> None:
        before = {name: getattr(obj, name) for name in FIELDS}
        super().delete_model(request, obj)
        _record(request, obj, before, None)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[GatePolicy]) -> None:
        for each in queryset:
            self.delete_model(request, each)


def _record(
    request: HttpRequest,
    policy: GatePolicy,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    audit.record(
        "gate.policy_changed",
        target=f"bot:{policy.bot.public_id}",
        bot=policy.bot.slug,
        facts={"before": before, "after": after},
        by=Actor.of(request.user),
    )

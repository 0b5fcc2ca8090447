"""What a candidate of each bot has to show, chosen by people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chat.access import bots_of
from chat.console.pages import Pages
from moderation.actors import Actor
from moderation.services import audit
from training.evaluation.gates import Limits
from training.models import GatePolicy

FIELDS = tuple(Limits.__slots__)


@admin.register(GatePolicy)
class GatePolicyAdmin(Pages):
    list_display = ("bot", "accuracy_tolerance", "unknown_tolerance", "forgotten", "p99_seconds")
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[GatePolicy]:
        found: QuerySet[GatePolicy] = super().get_queryset(request)
        return found.filter(bot__in=bots_of(request.user))

    def get_readonly_fields(self, request: HttpRequest, obj: GatePolicy | None = None) -> Any:
        return ("bot",) if obj else ()

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:  # type: ignore[type-arg]
        if db_field.name == "bot":
            kwargs["queryset"] = bots_of(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[no-any-return]

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

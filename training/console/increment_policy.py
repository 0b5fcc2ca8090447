"""How often each bot learns, and how much at a time, chosen by people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from chat.console.own import OfBots
from chat.console.pages import Pages
from moderation.actors import Actor
from moderation.services import audit
from training.models import IncrementPolicy
from training.trainer import recipe as recipes

FIELDS = ("is_scheduled", "days", "size", "recipe")


@admin.register(IncrementPolicy)
class IncrementPolicyAdmin(OfBots, Pages):
    list_display = ("bot", *FIELDS)
    list_select_related = ("bot",)
    list_before_template = "training/increment_policies_head.html"
    fields = ("bot", *FIELDS)

    def get_readonly_fields(self, request: HttpRequest, obj: IncrementPolicy | None = None) -> Any:
        return ("bot",) if obj else ()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "recipe":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        choices = [("", _("that of the model in service")), *((n, n) for n in recipes.names())]
        return forms.ChoiceField(
            choices=choices,
            required=False,
            label=db_field.verbose_name,
            help_text=db_field.help_text,
            widget=UnfoldAdminSelectWidget,
        )

    @transaction.atomic
    def save_model(
        self,
        request: HttpRequest,
        obj: IncrementPolicy,
        form: ModelForm[IncrementPolicy],
        change: bool,
    ) -> None:
        before = IncrementPolicy.objects.filter(pk=obj.pk).values(*FIELDS).first()
        super().save_model(request, obj, form, change)
        _record(request, obj, before, {name: getattr(obj, name) for name in FIELDS})

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: IncrementPolicy) -> None:
        before = {name: getattr(obj, name) for name in FIELDS}
        super().delete_model(request, obj)
        _record(request, obj, before, None)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[IncrementPolicy]) -> None:
        for each in queryset:
            self.delete_model(request, each)


def _record(
    request: HttpRequest,
    policy: IncrementPolicy,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    audit.record(
        "increment.policy_changed",
        target=f"bot:{policy.bot.public_id}",
        bot=policy.bot.slug,
        facts={"before": before, "after": after},
        by=Actor.of(request.user),
    )

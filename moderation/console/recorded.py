"""Edits in the console that no service makes: each leaves its entry in the audit trail.

Django tells of every edit by ``log_*``, bulk deletions included, and does it in the transaction
of the edit; where it does not, that is made good here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.forms import Form, ModelForm
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from moderation.services import audit


class Changes(list[Any]):
    """What Django says of a change, and which settings were what before and after."""

    facts: dict[str, Any]


class RecordsDeletion(ModelAdmin):
    """First of a page's bases, for models whose other edits a service makes."""

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Any]) -> Any:
        rows = list(queryset)
        for each in rows:
            audit.record(f"{_name(each)}.deleted", target=_target(each), bot=_bot(each))
        return super().log_deletions(request, rows)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method != "POST":
            return super().changelist_view(request, extra_context)  # type: ignore[no-any-return]
        with transaction.atomic():
            return super().changelist_view(request, extra_context)  # type: ignore[no-any-return]


class Recorded(RecordsDeletion):
    """First of a page's bases, for models that people edit as they are."""

    def construct_change_message(
        self, request: HttpRequest, form: Form, formsets: Any, add: bool = False
    ) -> Changes:
        said = Changes(super().construct_change_message(request, form, formsets, add))
        said.facts = _facts(form) if isinstance(form, ModelForm) else {}
        return said

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        audit.record(f"{_name(obj)}.added", target=_target(obj), bot=_bot(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        facts = message.facts if isinstance(message, Changes) else {}
        audit.record(f"{_name(obj)}.changed", target=_target(obj), bot=_bot(obj), facts=facts)
        return super().log_change(request, obj, message)


def _facts(form: ModelForm[Any]) -> dict[str, Any]:
    """The names of what changed; of switches and numbers, what they were and are. No texts."""
    changed = {
        name: [form.initial.get(name), form.cleaned_data.get(name)] for name in form.changed_data
    }
    plain = {
        name: pair
        for name, pair in changed.items()
        if all(value is None or isinstance(value, bool | int | float) for value in pair)
    }
    return {"fields": sorted(changed), "settings": plain}


def _name(row: Model) -> str:
    return str(row._meta.model_name)  # noqa: SLF001 - Django's own name for it


def _target(row: Model) -> str:
    return f"{_name(row)}:{getattr(row, 'public_id', None) or row.pk}"


def _bot(row: Any) -> str:
    """The short name of the row's bot, if it is one or has one."""
    bot = getattr(row, "bot", row)
    return str(bot.slug) if _name(bot) == "bot" else ""

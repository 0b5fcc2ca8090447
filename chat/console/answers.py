"""Approved answers: written, looked through, switched, restored."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import ForeignKey, Q, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat import usage
from chat.access import bots_of
from chat.console.forms import AnswerForm
from chat.console.glance import GlancePages
from chat.console.imports import ImportPages
from chat.console.own import OfBots
from chat.models import AnswerRevision, CuratedAnswer
from chat.services import knowledge
from chat.services.knowledge import InvalidAnswer


class StateFilter(admin.SimpleListFilter):
    """Whether an answer is served now, and why not."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("served", _("served now")),
            ("early", _("not valid yet")),
            ("late", _("no longer valid")),
            ("off", _("switched off")),
            ("disputed", _("disputed")),
            ("unused", _("not used for 30 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        match self.value():
            case "served":
                return queryset.filter(
                    Q(valid_from=None) | Q(valid_from__lte=now),
                    Q(valid_until=None) | Q(valid_until__gt=now),
                    is_active=True,
                )
            case "early":
                return queryset.filter(valid_from__gt=now)
            case "late":
                return queryset.filter(valid_until__lte=now)
            case "off":
                return queryset.filter(is_active=False)
            case "disputed":
                return queryset.filter(open_disputes__gt=0)
            case "unused":
                return queryset.filter(hits=0)
        return queryset


@admin.register(CuratedAnswer)
class CuratedAnswerAdmin(OfBots, ImportPages, GlancePages):
    form = AnswerForm
    list_display = (
        "first_question", "topic", "locale", "bot", "is_active", "is_served",
        "hits", "open_disputes",
    )  # fmt: skip
    list_filter = (StateFilter, "bot", "locale", "topic", "owner")
    list_select_related = ("bot",)
    list_before_template = "knowledge/answers_head.html"
    change_form_before_template = "knowledge/conflicts.html"
    change_form_outer_after_template = "knowledge/answer_foot.html"
    search_fields = ("variants__text", "text", "topic", "key")
    search_help_text = _("Words of the questions, the answer, its topic or key")
    actions = ("switch_on", "switch_off")
    list_per_page = 50
    warn_unsaved_form = True

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("revision/<int:pk>/restore/", self.restore_view, "restore"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CuratedAnswer]:
        return usage.with_usage(super().get_queryset(request), usage.since_hits())

    def get_fieldsets(self, request: HttpRequest, obj: CuratedAnswer | None = None) -> Any:
        use = ["is_active", "valid_from", "valid_until"]
        if obj is None or self.has_change_permission(request, obj):
            use.append("note")
        return [
            (None, {"fields": [("bot", "locale"), "questions", "text"]}),
            (_("Sorting"), {"fields": ["topic", "key", "owner"]}),
            (_("Use"), {"fields": use}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: CuratedAnswer | None = None) -> Any:
        return ("bot", "locale") if obj else ()

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest | None, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "owner":
            kwargs["queryset"] = User.objects.filter(is_staff=True).order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[no-any-return]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    @admin.display(description=_("questions"))
    def questions(self, answer: CuratedAnswer) -> str:
        """For those who may look and not change."""
        return "\n".join(each.text for each in answer.variants.all())

    @admin.display(description=_("question"), ordering="first_question")
    def first_question(self, answer: Any) -> str:
        return str(answer.first_question or answer.key)

    @admin.display(description=_("served"), boolean=True)
    def is_served(self, answer: CuratedAnswer) -> bool:
        now = timezone.now()
        return (
            answer.is_active
            and (answer.valid_from is None or answer.valid_from <= now)
            and (answer.valid_until is None or answer.valid_until > now)
        )

    @admin.display(description=_("hits, 30 days"), ordering="hits")
    def hits(self, answer: Any) -> int:
        return int(answer.hits)

    @admin.display(description=_("open disputes"), ordering="open_disputes")
    def open_disputes(self, answer: Any) -> int:
        return int(answer.open_disputes)

    @admin.action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[CuratedAnswer]) -> None:
        self._switch(request, queryset, active=True)

    @admin.action(description=_("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[CuratedAnswer]) -> None:
        self._switch(request, queryset, active=False)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        answer = self.get_object(request, object_id)
        context = {**(extra_context or {})}
        if answer is not None:
            context["revisions"] = list(answer.revisions.select_related("author")[:50])
            # What customers asked is for those who may read conversations.
            if request.user.has_perm("chat.view_conversation"):
                context["uses"] = usage.recent_uses(answer)
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def save_model(
        self, request: HttpRequest, obj: CuratedAnswer, form: AnswerForm, change: bool
    ) -> None:
        assert form.draft is not None
        saved = knowledge.save(
            form.bot,
            form.locale,
            form.draft,
            author=request.user,  # type: ignore[arg-type]  # staff only
            answer=CuratedAnswer.objects.get(pk=obj.pk) if change else None,
        )
        obj.pk = saved.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: CuratedAnswer) -> None:
        knowledge.remove([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CuratedAnswer]) -> None:
        knowledge.remove(queryset)

    def restore_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """An earlier version again, as a new one."""
        self.require(request, "chat.change_curatedanswer")
        revision = get_object_or_404(
            AnswerRevision.objects.filter(answer__bot__in=bots_of(request.user)).select_related(
                "answer__bot"
            ),
            pk=pk,
        )
        back = reverse("admin:chat_curatedanswer_change", args=[revision.answer_id])
        if request.method == "POST":
            try:
                knowledge.restore(revision, author=request.user)  # type: ignore[arg-type]
            except InvalidAnswer as error:
                messages.error(request, str(error))
            else:
                messages.success(request, _("Version %d is in force again.") % revision.number)
        return HttpResponseRedirect(back)

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[CuratedAnswer], *, active: bool
    ) -> None:
        count = knowledge.switch(
            queryset.select_related("bot"),
            active=active,
            author=request.user,  # type: ignore[arg-type]  # staff only
        )
        text = (
            ngettext("%d answer switched on.", "%d answers switched on.", count)
            if active
            else ngettext("%d answer switched off.", "%d answers switched off.", count)
        )
        messages.success(request, text % count)

"""Knowledge at a glance: what it is good for, and what is missing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, reverse
from django.utils.translation import gettext_lazy as _

from chat import usage
from chat.access import bots_of
from chat.answer_cache import AnswerCache
from chat.console.forms import PeriodForm
from chat.console.own import offer_own
from chat.console.pages import Pages
from chat.models import Bot
from chat.usage import Kind

DEFAULT_DAYS = 30
KINDS = {
    Kind.EXACT: _("Approved answer, word for word"),
    Kind.MEANING: _("Approved answer, by meaning"),
    Kind.CACHE: _("Answer that many asked for (cache)"),
    Kind.MODEL: _("The model"),
    Kind.NONE: _("No answer"),
}
HOWS = {
    **{kind.value: label for kind, label in KINDS.items()},
    "unsure": _("the model was not sure"),
    "unanswered": _("nothing was known about it"),
    "withheld": _("withheld by moderation"),
    "failed": _("no answer came"),
    "person": _("asked for a person"),
}


class GlancePages(Pages):
    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("glance/", self.glance_view, "glance"),
            self.route("cache/<int:pk>/clear/", self.clear_cache_view, "clear_cache"),
            *super().get_urls(),
        ]

    def glance_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request, "chat.view_curatedanswer")
        bots = bots_of(request.user)
        first = bots.order_by("-is_active", "name").first()
        asked = {"days": DEFAULT_DAYS, "bot": first and first.pk, **request.GET.dict()}
        form = PeriodForm(asked)
        offer_own(form.fields, request.user, {Bot: bots_of})
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            bot, days = form.cleaned_data["bot"], form.cleaned_data["days"]
            seen = usage.glance(bot, days)
            context |= {
                "bot": bot,
                "days": days,
                "seen": seen,
                "shares": [(KINDS[each.kind], each) for each in seen.shares],
                "top": _said(seen.top),
                "unanswered": _said(seen.unanswered),
                "cache": AnswerCache().statistics(),
                "most": usage.MOST_ANSWERS,
            }
        return self.page(request, "glance", _("Knowledge at a glance"), **context)

    def clear_cache_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Forget the kept answers of the model; the approved ones stay."""
        self.require(request, "chat.change_curatedanswer")
        bot = get_object_or_404(bots_of(request.user), pk=pk)
        if request.method == "POST":
            count = AnswerCache().clear(bot.pk)
            messages.success(request, _("%d answers are no longer in the cache.") % count)
        return HttpResponseRedirect(f"{reverse('admin:knowledge_glance')}?bot={bot.pk}")


def _said(asked: tuple[usage.Asked, ...]) -> list[tuple[str, int, Any]]:
    return [(each.question, each.count, HOWS.get(each.how, each.how)) for each in asked]

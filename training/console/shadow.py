"""A candidate answers unseen: begun and stopped here, and judged by people who do not see which is which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext_lazy as _

from chat.console.own import OfBots
from chat.console.pages import ReadOnlyPages, sent
from chat.inference.engine import ChatMessage
from chat.models import Message, Shadow, ShadowAnswer
from chat.services.shadowing import Sample
from training.console import gate_words
from training.console.shadow_form import ShadowForm, VoteForm
from training.services.gathering import turns_before
from training.services.promoting import GatesClosed, Refused

COLOURS = {
    "": "running",
    Shadow.Reason.FINISHED: "succeeded",
    Shadow.Reason.STOPPED: "cancelled",
    Shadow.Reason.OUTDATED: "cancelled",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """What a voter sees. An empty text is an offer of a person; nothing else tells the two apart."""

    answer: ShadowAnswer
    turns: tuple[ChatMessage, ...]
    left: str
    right: str
    locale: str


@admin.register(Shadow)
class ShadowAdmin(OfBots, ReadOnlyPages):
    """What needs statistics is imported where it is used: they take a second and much memory, and
    most processes of the console never need them."""

    section = "training"
    list_display = ("model", "bot", "part", "state", "started_at", "ended_at", "started_by")
    list_filter = ("bot", "reason")
    list_select_related = ("bot", "candidate", "started_by")
    list_before_template = "training/shadows_head.html"

    class Media:
        css: ClassVar = {"all": ("console/training.css", "console/shadow.css")}

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("start/", self.start_view, "start_shadow"),
            self.route("<int:pk>/stop/", self.stop_view, "stop_shadow"),
            self.route("<int:pk>/vote/", self.vote_view, "vote_shadow"),
            *super().get_urls(),
        ]

    @admin.display(description=_("candidate"))
    def model(self, shadow: Shadow) -> str:
        return shadow.candidate.artifact or str(shadow.candidate)

    @admin.display(description=_("share"))
    def part(self, shadow: Shadow) -> str:
        return f"{shadow.share} %"

    @admin.display(description=_("state"))
    def state(self, shadow: Shadow) -> str:
        return str(shadow.get_reason_display() if shadow.ended_at else _("under way"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "is_empty": not self.get_queryset(request).exists()}
        return super().changelist_view(request, context)  # type: ignore[no-any-return]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        self.require(request, "chat.view_shadow")
        from training.experiments import votes
        from training.services import shadows

        shadow = self.own(request, object_id)
        tally = votes.tally(shadows.votes_of(shadow))
        return self.page(
            request,
            "shadow",
            _("Shadow"),
            shadow=shadow,
            colour=COLOURS[shadow.reason],
            version=shadows.version_of(shadow),
            counts=shadows.counts(shadow),
            tally=tally,
            standing=votes.standing(tally),
        )

    def start_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request, "training.promote_modelversion")
        from training.services import shadows

        initial = {"model": request.GET.get("model")}
        form = ShadowForm(*sent(request), user=request.user, initial=initial)
        closed: list[Any] = []
        if request.method == "POST" and form.is_valid():
            version = form.cleaned_data["model"]
            sample = Sample(form.cleaned_data["share"], form.cleaned_data["limit"])
            try:
                shadow = shadows.start(version, version.run.bot, _user(request), sample)
            except GatesClosed as error:
                form.add_error("model", str(error))
                closed = [gate_words.shown(each) for each in error.gates]
            except Refused as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("It answers its share from now on, seen by nobody."))
                return _to(shadow)
        return self.page(request, "start_shadow", _("New shadow"), form=form, closed=closed)

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "training.promote_modelversion")
        shadow = self.own(request, pk)
        if request.method == "POST":
            from training.services import shadows

            try:
                shadows.stop(shadow, _user(request))
            except Refused as error:
                messages.error(request, str(error))
            else:
                messages.success(request, _("It has ended. What it said can still be voted on."))
        return _to(shadow)

    def vote_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "chat.view_shadow", "training.add_shadowvote")
        from training.services import shadows

        shadow, user = self.own(request, pk), _user(request)
        if request.method == "POST":
            form = VoteForm(request.POST, answers=shadows.differing(shadow))
            if form.is_valid():
                answer = form.cleaned_data["answer"]
                is_left = shadows.is_candidate_left(answer, user)
                try:
                    shadows.vote(answer, form.choice(is_candidate_left=is_left), user)
                except Refused as error:
                    messages.error(request, str(error))
            else:
                messages.error(request, _("That pair is not there any more: here is the next one."))
            return HttpResponseRedirect(reverse("admin:training_vote_shadow", args=[pk]))
        found = shadows.next_for(shadow, user)
        return self.page(
            request,
            "shadow_vote",
            _("Which answer is right?"),
            shadow=shadow,
            pair=_pair(found, is_candidate_left=shadows.is_candidate_left(found, user))
            if found
            else None,
            left=shadows.left_for(shadow, user),
        )


def _pair(answer: ShadowAnswer, *, is_candidate_left: bool) -> Pair:
    live = answer.message
    told = "" if live.source == Message.Source.NOTICE else live.text
    sides = (answer.text, told) if is_candidate_left else (told, answer.text)
    turns = turns_before(live, live.reply_to) if live.reply_to else ()
    return Pair(answer, turns, *sides, live.conversation.locale)


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]  # staff only


def _to(shadow: Shadow) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:chat_shadow_change", args=[shadow.pk]))

"""A candidate answers unseen: begun and stopped here, and judged by people who do not see which is which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext_lazy as _

from chat.inference.engine import ChatMessage
from chat.models import Message, Shadow, ShadowAnswer
from chat.services.shadowing import Sample
from training.console.shadow_form import ShadowForm, VoteForm
from training.console.trials import Trials, staff
from training.services.gathering import turns_before
from training.services.promoting import Refused

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
class ShadowAdmin(Trials):
    start_form = ShadowForm
    start_page = "start_shadow"
    start_title = _("New shadow")
    started = _("It answers its share from now on, seen by nobody.")
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

    def begin(self, chosen: dict[str, Any], user: User) -> Shadow:
        from training.services import shadows

        version, sample = chosen["model"], Sample(chosen["share"], chosen["limit"])
        return shadows.start(version, version.run.bot, user, sample)

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "training.promote_modelversion")
        shadow = self.own(request, pk)
        if request.method == "POST":
            from training.services import shadows

            try:
                shadows.stop(shadow, staff(request))
            except Refused as error:
                messages.error(request, str(error))
            else:
                messages.success(request, _("It has ended. What it said can still be voted on."))
        return self.to(shadow)

    def vote_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "chat.view_shadow", "training.add_shadowvote")
        from training.services import shadows

        shadow, user = self.own(request, pk), staff(request)
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

"""The review queue as a page: one proposal after the other, without loading a page between."""

from __future__ import annotations

import functools
import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Avg, Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from chat.access import bots_of
from chat.console.own import OfBots
from chat.console.pages import ReadOnlyPages
from chat.knowledge.embedding import EmbeddingError
from chat.libraries import LibraryShelf
from training.agreement import agreement
from training.models import ReviewDecision, ReviewItem, Scenario
from training.services import proposing, reviewing
from training.services.reviewing import Decision, NotDecided, Verdict

SEE = "training.review_example"
AHEAD = 3
"""Items that a browser holds, so that the next one is there at once."""
FEWEST_FOR_PACE = 5
"""Decisions of a day before they are told as so many an hour."""
LONGEST_REQUEST = 64 * 1024
KEYS = (
    ("a", _("approve")),
    ("e", _("edit the answer")),
    ("h", _("a person should answer")),
    ("r", _("reject; then the number of the reason")),
    ("s", _("pass over")),
    ("b", _("decide for all that ask the same, too")),
    ("u", _("undo")),
    ("Esc", _("leave the field")),
    ("?", _("this list")),
)
WORDS: dict[str, Any] = {
    "customer": _("Customer"),
    "bot": _("Bot"),
    "empty": _("Nothing waits for you. Proposals come from conversations as they end."),
    "lost": _("The line is down. Your text is kept here; try again."),
    "covers": _("covers {count} conversations this week"),
    "covers_one": _("one conversation this week"),
    "second": _("needs a second reviewer"),
    "by_agent": _("written by a colleague"),
    "unwritten": _("No answer yet: write one."),
    "done": {
        Verdict.APPROVE: _("Approved."),
        Verdict.HAND_OVER: _("Approved: a person should answer."),
        Verdict.EDIT: _("Edited. Somebody else approves it."),
        Verdict.REJECT: _("Rejected."),
        Verdict.SKIP: _("Passed over."),
        "undone": _("Taken back."),
        "nothing": _("There is nothing to take back."),
    },
    "for_all": _("{count} decided at once."),
    "an_hour": _("{count} an hour"),
    "left": _("{count} to decide"),
    "today": _("{count} today"),
}


@admin.register(ReviewItem)
class ReviewPages(OfBots, ReadOnlyPages):
    section = "review"
    list_display = ("asked", "reason", "status", "covers", "value", "bot", "created_at")
    list_filter = ("status", "reason", "bot", "locale", "is_risky")
    list_select_related = ("bot",)
    fields = ("bot", "conversation", "reason", "status", "scenario", "answer", "failed", "example")

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("queue/", self.queue_view, "queue"),
            self.route("next/", require_GET(self.next_view), "next"),
            self.route("undo/", require_POST(self.undo_view), "undo"),
            self.route("propose/", require_POST(self.propose_view), "propose"),
            self.route("<uuid:item>/decide/", require_POST(self.decide_view), "decide"),
            *super().get_urls(),
        ]

    @admin.display(description=_("question"))
    def asked(self, item: ReviewItem) -> str:
        return item.question[:120]

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """The frame alone: proposals come as JSON."""
        self.require(request, SEE)
        words = {
            **WORDS,
            "reasons": dict(ReviewItem.Reason.choices),
            "urls": {
                "next": reverse("admin:review_next"),
                "undo": reverse("admin:review_undo"),
                "decide": reverse("admin:review_decide", args=[UUID(int=0)]),
            },
        }
        return self.page(
            request,
            "queue",
            _("Review"),
            keys=KEYS,
            rejections=ReviewDecision.Rejection.choices,
            scenarios=Scenario.choices,
            words=words,
            waiting=_waiting(request),
            agreement=agreement(bots_of(request.user)),
        )

    def next_view(self, request: HttpRequest) -> JsonResponse:
        self.require(request, SEE)
        held = [each for each in request.GET.getlist("held") if _is_uuid(each)][:AHEAD]
        items = reviewing.lend(_person(request), AHEAD - len(held), held)
        return JsonResponse({"items": [_data(each) for each in items], **_progress(request)})

    def decide_view(self, request: HttpRequest, item: UUID) -> JsonResponse:
        self.require(request, SEE)
        found = (
            ReviewItem.objects.filter(public_id=item, bot__in=bots_of(request.user))
            .select_related("bot", "conversation")
            .first()
        )
        if found is None:
            return JsonResponse({"problem": str(_("It is not there any more."))}, status=404)
        try:
            fields = json.loads(request.body[:LONGEST_REQUEST])
            decision = _decision(fields)
            act = reviewing.decide_all if fields.get("for_all") is True else _decide_one
            decided = act(found, decision, by=_person(request))
        except NotDecided as error:
            return JsonResponse({"problem": str(error)}, status=409)
        except (ValueError, KeyError, TypeError, AttributeError):
            return JsonResponse({"problem": str(_("This cannot be read."))}, status=400)
        done = {"verdict": decided[0].verdict, "count": len(decided)}
        return JsonResponse({**done, **_progress(request)})

    def undo_view(self, request: HttpRequest) -> JsonResponse:
        self.require(request, SEE)
        try:
            item = reviewing.undo(_person(request))
        except NotDecided as error:
            return JsonResponse({"problem": str(error)}, status=409)
        return JsonResponse({"item": item and _data(item), **_progress(request)})

    def propose_view(self, request: HttpRequest) -> HttpResponse:
        """Look through the conversations now, without waiting for the next hour."""
        self.require(request, SEE)
        try:
            for bot in bots_of(request.user):
                proposing.propose(bot, _shelf())
        except EmbeddingError as error:
            return JsonResponse({"problem": str(error)}, status=503)
        return JsonResponse(_progress(request))


def _decide_one(item: ReviewItem, decision: Decision, *, by: Any) -> list[ReviewDecision]:
    return [reviewing.decide(item, decision, by=by)]


def _decision(fields: dict[str, Any]) -> Decision:
    """Raises ``ValueError``, ``KeyError`` and ``TypeError`` for what is none."""
    turns = fields.get("turns")
    if turns is not None:
        turns = [{"role": str(each["role"]), "content": str(each["content"])} for each in turns]
    answer = fields.get("answer")
    scenario = str(fields.get("scenario") or "")
    if scenario and scenario not in Scenario.values:
        raise ValueError(scenario)
    return Decision(
        verdict=Verdict(fields["verdict"]),
        turns=turns,
        answer=None if answer is None else str(answer),
        scenario=scenario,
        rejection=str(fields.get("rejection") or ""),
        seconds=float(fields.get("seconds") or 0),
    )


def _data(item: ReviewItem) -> dict[str, Any]:
    return {
        "id": str(item.public_id),
        "bot": item.bot.name,
        "locale": item.locale,
        "reason": item.reason,
        "scenario": item.scenario,
        "turns": item.turns,
        "answer": item.answer,
        "original": item.original.get("answer", ""),
        "failed": item.failed,
        "covers": item.covers,
        "is_risky": item.is_risky,
        "by_agent": item.text_author_id is not None,
        "conversation": str(item.conversation.public_id),
    }


def _progress(request: HttpRequest) -> dict[str, Any]:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = ReviewDecision.objects.filter(
        reviewer=_person(request), undone_at=None, created_at__gte=midnight
    )
    found = mine.aggregate(count=Count("id"), seconds=Avg("seconds"))
    is_telling = found["count"] >= FEWEST_FOR_PACE and found["seconds"]
    pace = round(3600 / found["seconds"]) if is_telling else None
    return {
        "left": reviewing.open_items(_person(request)).count(),
        "today": found["count"],
        "an_hour": pace,
    }


def _waiting(request: HttpRequest) -> list[dict[str, Any]]:
    """What waits, by reason."""
    found = dict(
        reviewing.open_items(_person(request))
        .order_by()
        .values_list("reason")
        .annotate(count=Count("id"))
    )
    return [
        {"label": label, "count": found.get(value, 0)} for value, label in ReviewItem.Reason.choices
    ]


def _person(request: HttpRequest) -> Any:
    return request.user


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@functools.cache
def _shelf() -> LibraryShelf:
    """One for the process: opening an embedder takes seconds."""
    return LibraryShelf()

"""The review queue as a page: one proposal after the other, without loading a page between."""

from __future__ import annotations

import functools
import json
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Avg, Count, Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from chat.access import bots_of, conversations_of
from chat.console.own import OfBots
from chat.console.pages import ReadOnlyPages
from chat.knowledge.embedding import EmbeddingError
from chat.libraries import LibraryShelf
from training.agreement import agreement
from training.lineage import descendants
from training.models import ReviewDecision, ReviewItem, Scenario
from training.services import proposing, reviewing
from training.services.approving import NotDecided
from training.services.proposing import NotProposed
from training.services.reviewing import APPROVALS, Decision, Status, Verdict

SEE = "training.review_example"
PROPOSE = "training.propose_chat"
PROPOSED = _("It stands in the review queue.")
AHEAD = 4
"""Items that a browser asks for at most, so that the next one is there at once."""
MOST_HELD = 60
LIKE_IT = 5
"""Questions of a group that are shown beside the one that is decided."""
FEWEST_FOR_PACE = 5
"""Decisions of a day before they are told as so many an hour."""
LONGEST_REQUEST = 64 * 1024
KEYS = (
    ("a", _("approve")),
    ("e", _("edit the answer")),
    ("t", _("edit what was said before")),
    ("Ctrl + Enter", _("approve or hand in what was edited")),
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
    "lost": _("The line is down. What you decided is kept here and sent when it is back: {count}."),
    "closed": _(
        "You may no longer review here. Log in again; what you decided is kept until then."
    ),
    "covers": _("covers {count} conversations this week"),
    "covers_one": _("one conversation this week"),
    "second": _("needs a second reviewer"),
    "by_agent": _("written by a colleague"),
    "unwritten": _("No answer yet: write one."),
    "edit_turn": _("Edit what {who} said"),
    "for_all": _("also for {count} others that ask the same"),
    "done": {
        Verdict.APPROVE: _("Approved."),
        Verdict.HAND_OVER: _("Approved: a person should answer."),
        Verdict.EDIT: _("Edited. Somebody else approves it."),
        Verdict.REJECT: _("Rejected."),
        Verdict.SKIP: _("Passed over."),
        "first": _("Approved. A second reviewer looks at it, too."),
        "undone": _("Taken back."),
        "nothing": _("There is nothing to take back."),
    },
    "many": _("{count} decided at once."),
    "next": _("Next: {question}"),
    "an_hour": _("{count} an hour"),
    "left": _("{count} to decide"),
    "today": _("{count} today"),
}


@admin.register(ReviewItem)
class ReviewPages(OfBots, ReadOnlyPages):
    section = "review"

    class Media:
        css: ClassVar = {"all": ("console/knowledge.css", "console/review/review.css")}

    list_display = (
        "asked",
        "reason",
        "status",
        "decided_by",
        "learned_in",
        "covers",
        "bot",
        "created_at",
    )
    list_filter = ("status", "reason", "bot", "locale", "is_risky")
    list_select_related = ("bot", "example")
    list_before_template = "review/list_head.html"
    ordering = ("-id",)
    fields = ("bot", "conversation", "reason", "status", "scenario", "covers", "value", "example")
    change_form_outer_before_template = "review/item.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("queue/", self.queue_view, "queue"),
            self.route("next/", require_GET(self.next_view), "next"),
            self.route("undo/", require_POST(self.undo_view), "undo"),
            self.route("propose/", require_POST(self.propose_view), "propose"),
            self.route(
                "propose/<uuid:conversation>/", require_POST(self.propose_chat_view), "propose_chat"
            ),
            self.route("<uuid:item>/decide/", require_POST(self.decide_view), "decide"),
            *super().get_urls(),
        ]

    @admin.display(description=_("question"))
    def asked(self, item: ReviewItem) -> str:
        return item.question[:120] or "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewItem]:
        decisions = ReviewDecision.objects.filter(undone_at=None).exclude(verdict=Verdict.SKIP)
        found = super().get_queryset(request)
        if isinstance(request.user, User) and request.user.has_perm(SEE):
            # What they may have to read without seeing how others decided it.
            unread = reviewing.open_items(request.user).filter(is_read_again=True)
            found = found.exclude(pk__in=unread.order_by().values("pk"))
        return found.prefetch_related(
            Prefetch("decisions", decisions.select_related("reviewer"), to_attr="standing"),
            "example__frozen__version__dataset",
        )

    @admin.display(description=_("decided by"))
    def decided_by(self, item: Any) -> str:
        names = [f"{each.reviewer} ({each.get_verdict_display()})" for each in item.standing]
        return ", ".join(reversed(names)) or "-"

    @admin.display(description=_("learned in"))
    def learned_in(self, item: ReviewItem) -> str:
        if item.example is None:
            return "-"
        versions = [str(each.version) for each in item.example.frozen.all()]
        return ", ".join(versions) or str(_("the next version"))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        item = self.get_object(request, object_id)
        context = {**(extra_context or {})}
        if item is not None:
            frozen = item.example.frozen.all() if item.example else []
            context |= {
                "item": item,
                "risks": [ReviewItem.Risk(each).label for each in item.risks],
                "decisions": item.decisions.select_related("reviewer"),
                "learned_in": self.learned_in(item),
                "models": descendants([each.version_id for each in frozen]),
            }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """The frame alone: proposals come as JSON."""
        self.require(request, SEE)
        words = {
            **WORDS,
            "reasons": dict(ReviewItem.Reason.choices),
            "risks": dict(ReviewItem.Risk.choices),
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
        held = [each for each in request.GET.getlist("held") if _is_uuid(each)][:MOST_HELD]
        wanted = request.GET.get("wanted", "")
        count = min(int(wanted), AHEAD) if wanted.isdecimal() else AHEAD
        items = reviewing.lend(_person(request), count, held)
        return JsonResponse(
            {"items": [_data(each, _person(request)) for each in items], **_progress(request)}
        )

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
        is_first = decided[0].verdict in APPROVALS and decided[0].item.status == Status.OPEN
        done = {"verdict": decided[0].verdict, "is_first": is_first, "count": len(decided)}
        return JsonResponse({**done, **_progress(request)})

    def undo_view(self, request: HttpRequest) -> JsonResponse:
        self.require(request, SEE)
        try:
            item = reviewing.undo(_person(request))
        except NotDecided as error:
            return JsonResponse({"problem": str(error)}, status=409)
        return JsonResponse({"item": item and _data(item, _person(request)), **_progress(request)})

    def propose_view(self, request: HttpRequest) -> HttpResponse:
        """Look through the conversations now, without waiting for the next hour."""
        self.require(request, SEE)
        try:
            for bot in bots_of(request.user):
                proposing.propose(bot, _shelf())
        except EmbeddingError as error:
            return JsonResponse({"problem": str(error)}, status=503)
        return JsonResponse(_progress(request))

    def propose_chat_view(self, request: HttpRequest, conversation: UUID) -> HttpResponse:
        """Put one conversation into the queue, and go back to where it was looked at; the inbox is
        told as JSON, and stays."""
        self.require(request, PROPOSE)
        found = conversations_of(request.user).filter(public_id=conversation).first()
        if found is None:
            raise Http404
        is_script = request.accepts("application/json") and not request.accepts("text/html")
        try:
            proposing.propose_conversation(found, by=_person(request), shelf=_shelf())
        except (NotProposed, EmbeddingError) as error:
            if is_script:
                return JsonResponse({"problem": str(error)}, status=409)
            messages.error(request, str(error))
        else:
            if is_script:
                return JsonResponse({"message": str(PROPOSED)})
            messages.success(request, PROPOSED)
        back = request.META.get("HTTP_REFERER", "")
        is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
        elsewhere = "review_queue" if request.user.has_perm(SEE) else "index"
        return HttpResponseRedirect(back if is_ours else reverse(f"admin:{elsewhere}"))


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
        batch=UUID(str(fields["batch"])) if fields.get("batch") else uuid4(),
    )


def _data(item: ReviewItem, reviewer: User) -> dict[str, Any]:
    alike = reviewing.open_items(reviewer).filter(bot=item.bot, cluster=item.cluster)
    others = alike.exclude(pk=item.pk)
    return {
        "id": str(item.public_id),
        "bot": item.bot.name,
        "locale": item.locale,
        "reason": item.reason,
        "scenario": item.scenario,
        "turns": item.turns,
        "answer": item.answer,
        "original": item.original,
        "failed": item.failed,
        "covers": item.covers,
        "is_risky": item.is_risky,
        "risks": item.risks,
        "by_agent": item.text_author_id is not None,
        "group": item.cluster,
        "others": others.count(),
        "others_ask": [each.question for each in others[:LIKE_IT]],
        "url": reverse("admin:chat_conversation_change", args=[item.conversation_id])
        if reviewer.has_perm("chat.view_conversation")
        else "",
    }


def _progress(request: HttpRequest) -> dict[str, Any]:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = ReviewDecision.objects.filter(
        reviewer=_person(request), undone_at=None, created_at__gte=midnight
    )
    found = mine.aggregate(count=Count("id"), seconds=Avg("seconds"))
    is_telling = found["count"] >= FEWEST_FOR_PACE and found["seconds"]
    pace = round(3600 / found["seconds"]) if is_telling else None
    waiting = _counts(request)
    return {
        "left": sum(waiting.values()),
        "waiting": waiting,
        "today": found["count"],
        "an_hour": pace,
    }


def _counts(request: HttpRequest) -> dict[str, int]:
    """What waits, by reason."""
    found = reviewing.open_items(_person(request)).order_by().values_list("reason")
    return dict(found.annotate(count=Count("id")))


def _waiting(request: HttpRequest) -> list[dict[str, Any]]:
    found = _counts(request)
    return [
        {"reason": value, "label": label, "count": found.get(value, 0)}
        for value, label in ReviewItem.Reason.choices
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

"""What bots learn next: proposed, closed and cancelled by people, and where each turn stands."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from chat.access import bots_of
from chat.console.own import OfBots
from chat.console.pages import ReadOnlyPages
from training.console import shares
from training.console.increment_form import ProposeForm
from training.console.learning_chart import chart
from training.models import Increment, ModelVersion, ReviewItem
from training.services import increment_decisions, increment_schedule, increments, learning
from training.services.increment_decisions import CLOSE, PROPOSE, IncrementRefused

Stage = Increment.Stage
SEE = "training.view_increment"
COLOURS = {
    Stage.REVIEW: "info",
    Stage.CLOSED: "info",
    Stage.TRAINING: "info",
    Stage.GATE: "warning",
    Stage.PROMOTED: "success",
}
STEPS = (
    (Stage.REVIEW, _("review")),
    (Stage.CLOSED, _("freezing")),
    (Stage.TRAINING, _("training")),
    (Stage.GATE, _("gates")),
    (Stage.PROMOTED, _("in service")),
)
_DECIDED = Count("items", filter=~Q(items__status=ReviewItem.Status.OPEN))


@admin.register(Increment)
class IncrementAdmin(OfBots, ReadOnlyPages):
    section = "training"
    list_display = ("period", "bot", "state", "decided", "run", "proposed_by", "created_at")
    list_filter = ("bot", "stage")
    list_select_related = ("bot", "run", "proposed_by")
    list_before_template = "training/increments_head.html"
    fields = (
        "bot", "slot", "size", "already", "proposed_by", "created_at", "closed_by", "closed_at",
        "dataset_version", "run", "ended_at", "public_id",
    )  # fmt: skip
    change_form_outer_before_template = "training/increment.html"

    class Media:
        css: ClassVar = {"all": ("console/training.css", "console/increments.css")}

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("propose/", self.propose_view, "propose_increment"),
            self.route("<int:pk>/close/", self.close_view, "close_increment"),
            self.route("<int:pk>/cancel/", self.cancel_view, "cancel_increment"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Increment]:
        found: QuerySet[Increment] = super().get_queryset(request)
        return found.annotate(opened=Count("items"), done=_DECIDED)

    @admin.display(description=_("period"), ordering="id")
    def period(self, increment: Increment) -> str:
        if increment.slot is None:
            return str(_("one more"))
        return str(_("from %s")) % date_format(increment.slot, "SHORT_DATE_FORMAT")

    @display(description=_("stage"), ordering="stage", label=COLOURS)  # type: ignore[untyped-decorator]
    def state(self, increment: Increment) -> tuple[str, Any]:
        return increment.stage, increment.get_stage_display()

    @admin.display(description=_("Decided proposals"))
    def decided(self, increment: Any) -> str:
        return f"{increment.done} / {increment.opened}"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            **(extra_context or {}),
            "is_empty": not self.get_queryset(request).exists(),
            "form": ProposeForm(user=request.user),
        }
        return super().changelist_view(request, context)  # type: ignore[no-any-return]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        increment = self.get_object(request, object_id)
        shown = {} if increment is None else _page(increment, request.user)
        return super().change_view(  # type: ignore[no-any-return]
            request, object_id, form_url, {**(extra_context or {}), **shown}
        )

    def propose_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request, SEE, PROPOSE)
        if request.method != "POST":
            return _list()
        form = ProposeForm(request.POST, user=request.user)
        if not form.is_valid():
            for each in form.errors.values():
                messages.error(request, " ".join(map(str, each)))
            return _list()
        bot = form.cleaned_data["bot"]
        try:
            increment = increment_decisions.propose(
                bot,
                by=request.user,  # type: ignore[arg-type]  # staff only
                slot=increment_schedule.free_slot(bot),
                size=form.cleaned_data["size"],
            )
        except IncrementRefused as error:
            messages.error(request, str(error))
            return _list()
        messages.success(request, _("The batch is open: its proposals come first in the review."))
        return _to(increment)

    def close_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, SEE, CLOSE)
        increment = self.own(request, pk)
        if request.method == "POST":
            try:
                increment_decisions.close(increment, by=request.user)  # type: ignore[arg-type]  # staff only
                increments.ring()
                messages.success(
                    request, _("The batch is closed. Its training is queued within minutes.")
                )
            except IncrementRefused as error:
                messages.error(request, str(error))
        return _to(increment)

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, SEE, CLOSE)
        increment = self.own(request, pk)
        if request.method == "POST":
            try:
                increment_decisions.cancel(increment, by=request.user)  # type: ignore[arg-type]  # staff only
                messages.success(request, _("It is cancelled. What was approved stays approved."))
            except IncrementRefused as error:
                messages.error(request, str(error))
        return _to(increment)


def _to(increment: Increment) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:training_increment_change", args=[increment.pk]))


def _list() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:training_increment_changelist"))


def _page(increment: Any, user: Any) -> dict[str, Any]:
    known = learning.points(increment.bot)
    curve = learning.curve(known)
    topics = Counter(increment.items.values_list("scenario", flat=True))
    statuses = Counter(increment.items.values_list("status", flat=True))
    is_mine = isinstance(user, User) and bots_of(user).filter(pk=increment.bot_id).exists()
    may_close = is_mine and increment_decisions.may_close(user, increment.bot)
    return {
        "increment": increment,
        "colour": COLOURS.get(increment.stage, ""),
        "steps": _steps(increment),
        "percent": round(100 * increment.done / increment.opened) if increment.opened else 0,
        "topics": shares.Group(_("Topics"), shares.bars(topics, shares.SCENARIOS)),
        "statuses": shares.Group(
            _("Decisions"), shares.bars(statuses, dict(ReviewItem.Status.choices))
        ),
        "version": ModelVersion.objects.filter(run=increment.run).first()
        if increment.run
        else None,
        "may_close": may_close and increment.stage == Stage.REVIEW,
        "may_cancel": may_close and not increment.is_over,
        "curve": curve,
        "chart": chart(known, curve),
    }


def _steps(increment: Increment) -> list[tuple[Any, str]]:
    """Each step's label, and whether it is done, at work or stopped."""
    names = [each for each, _label in STEPS]
    if increment.stage == Stage.PROMOTED:
        return [(label, "done") for _name, label in STEPS]
    if increment.is_over:
        reached = _reached(increment)
        return [
            (label, "done" if at < reached else "stopped" if at == reached else "")
            for at, (_name, label) in enumerate(STEPS)
        ]
    here = names.index(Stage(increment.stage))
    return [
        (label, "done" if at < here else "now" if at == here else "")
        for at, (_name, label) in enumerate(STEPS)
    ]


def _reached(increment: Increment) -> int:
    """Which step it ended in without a promotion."""
    if increment.closed_at is None:
        return 0
    if increment.run is None:
        return 1
    return 3 if ModelVersion.objects.filter(run=increment.run).exists() else 2

"""Training runs: all of them, and each as it goes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from chat.access import Staff
from chat.console.pages import ReadOnlyPages
from training import selectors
from training.access import runs_of
from training.console import curves, words
from training.console.ordering import OrderPages
from training.console.own import OfDatasets
from training.events import PointData
from training.models import Evaluation, TrainingRun
from training.presentation import run_data
from training.services import runs

Status = TrainingRun.Status


@admin.register(TrainingRun)
class TrainingRunAdmin(OfDatasets, OrderPages, ReadOnlyPages):
    list_display = (
        "subject", "state", "progress_bar", "dataset_version", "minutes", "accuracy", "created_at",
    )  # fmt: skip
    list_filter = ("status", "recipe_name", "dataset_version__dataset")
    list_select_related = ("dataset_version__dataset",)
    list_before_template = "training/runs_head.html"
    fields = (
        "dataset_version", "recipe_name", "base", "parent", "overrides", "seed", "device",
        "attempts", "created_by", "created_at", "started_at", "finished_at", "public_id",
    )  # fmt: skip
    change_form_outer_before_template = "training/run.html"

    class Media:
        css: ClassVar = {"all": ("console/training.css",)}

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("<int:pk>/cancel/", self.cancel_view, "cancel_run"),
            self.route("<int:pk>/resume/", self.resume_view, "resume_run"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrainingRun]:
        finished = Evaluation.objects.filter(status=Evaluation.Status.FINISHED)
        found: QuerySet[TrainingRun] = super().get_queryset(request)
        return found.prefetch_related(
            Prefetch("evaluations", finished, to_attr="finished_evaluations")
        )

    def mine(self, user: Staff) -> Q:
        return Q(pk__in=runs_of(user))

    @admin.display(description=_("run"), ordering="id")
    def subject(self, run: TrainingRun) -> str:
        return f"{run.pk} · {run.recipe_name}"

    @display(description=_("status"), ordering="status", label=words.COLOURS)
    def state(self, run: TrainingRun) -> tuple[str, Any]:
        return run.status, run.get_status_display()

    @admin.display(description=_("done"))
    def progress_bar(self, run: TrainingRun) -> str:
        percent = round(100 * run_data(run)["share"])
        return format_html(
            '<span class="tr-mini"><progress max="100" value="{0}" class="is-{1}"></progress>'
            "<span>{0} %</span></span>",
            percent,
            run.status,
        )

    @admin.display(description=_("minutes"))
    def minutes(self, run: TrainingRun) -> str:
        """Taken, or taken so far of what was predicted."""
        predicted = run.plan.get("minutes")
        about = "" if predicted is None else f"≈ {predicted:.0f}"
        if run.started_at is None:
            return about or "-"
        taken = ((run.finished_at or timezone.now()) - run.started_at).total_seconds() / 60
        return f"{taken:.0f} / {about}" if about and not run.is_over else f"{taken:.0f}"

    @admin.display(description=_("right answers"))
    def accuracy(self, run: Any) -> str:
        found = next(iter(run.finished_evaluations), None)
        rate = found and found.figures.get("accuracy", {}).get("rate")
        return "-" if rate is None else f"{100 * rate:.1f} %"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        context = {**(extra_context or {}), **(_page(run) if run is not None else {})}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "training.view_trainingrun", "training.cancel_trainingrun")
        run = self.own(request, pk)
        if request.method == "POST":
            try:
                runs.request_cancel(run)
                messages.success(request, _("The run is being cancelled."))
            except runs.NotCancellable:
                messages.info(request, _("The run was over already."))
        return HttpResponseRedirect(_address(run))

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "training.view_trainingrun", "training.add_trainingrun")
        run = self.own(request, pk)
        if request.method == "POST":
            try:
                runs.resume(run)
                messages.success(request, _("The run is in line again."))
            except runs.NotResumable:
                messages.info(request, _("Only what failed or was cancelled can be continued."))
        return HttpResponseRedirect(_address(run))


def _address(run: TrainingRun) -> str:
    return reverse("admin:training_trainingrun_change", args=[run.pk])


def _stages(run: TrainingRun) -> list[tuple[str, Any, str]]:
    """Each stage's name, label, and whether it is done, at work, stopped or still to come."""
    is_searched = bool(run.recipe.get("search", {}).get("passes"))
    names = [name for name in words.STAGES if is_searched or name != run.Stage.SEARCH]
    if run.status == Status.SUCCEEDED:
        reached, here = len(names), ""
    else:
        reached = names.index(run.stage) if run.stage else -1
        here = "now" if run.status == Status.RUNNING else "stopped"
    return [
        (name, words.STAGES[name], "done" if at < reached else here if at == reached else "")
        for at, name in enumerate(names)
    ]


def _page(run: Any) -> dict[str, Any]:
    """A run as it is now; ``static/console/training_run.js`` keeps it so."""
    state = selectors.run_state(run.pk)
    points = state["points"]
    return {
        "run": run,
        "now": state["run"],
        "percent": round(100 * state["run"]["share"]),
        "left": words.left_text(state["run"]),
        "stages": _stages(run),
        "before": selectors.runs_before(run) if run.status == Status.QUEUED else 0,
        "failure": words.failure_text(run) if run.status == Status.FAILED else "",
        "tiles": _tiles(run, points),
        "curves": curves.curves(points, run.total_steps),
        "rows": curves.rows(points),
        "notes": [
            (each, datetime.fromisoformat(each["created_at"]), words.note_text(each))
            for each in reversed(state["notes"])
        ],
        "evaluation": next(iter(run.finished_evaluations), None),
        "model_version": getattr(run, "model_version", None),
        "words": {
            "statuses": words.STATUSES,
            "notes": words.NOTES,
            "live": _("live"),
            "lost": _("connection lost, trying again"),
            "refused": _("You may no longer look at this run."),
            "left": words.LEFT,
            "seconds": words.SECONDS,
            "minutes": words.MINUTES,
            "secondsShown": words.SECONDS_SHOWN,
            "step": _("step %s"),
        },
    }


def _tiles(run: TrainingRun, points: list[PointData]) -> list[tuple[str, Any, str, str]]:
    """Name for the script, label, value, and what the value is of."""
    newest, plan = run.progress, run.plan
    heldout = [p["heldout_loss"] for p in points if p["heldout_loss"] is not None]
    total = run.total_steps or plan.get("steps")
    memory, predicted = newest.get("memory_bytes"), plan.get("memory_bytes")
    return [
        ("step", _("step"), str(run.step), "" if total is None else str(total)),
        ("loss", _("loss"), _rounded(newest.get("loss"), 4), ""),
        ("heldout", _("loss, held out"), _rounded(heldout[-1] if heldout else None, 4), ""),
        ("rate", _("learning rate"), _small(newest.get("learning_rate")), ""),
        ("speed", _("tokens per second"), _rounded(newest.get("tokens_per_second"), 0), ""),
        ("memory", _("memory"), _gigabytes(memory), _gigabytes(predicted) if predicted else ""),
    ]


def _rounded(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:,.{places}f}"


def _small(value: float | None) -> str:
    """As scripts write it: 3.7e-5."""
    return _rounded(value, 0) if not value else f"{value:.1e}".replace("e-0", "e-")


def _gigabytes(value: int | None) -> str:
    return "-" if value is None else f"{value / 1024**3:.1f} GB"

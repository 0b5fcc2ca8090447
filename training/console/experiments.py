"""A model is tried on a share of the customers: begun and stopped by people, ended by its plan."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from chat.console.own import OfBots
from chat.console.pages import ReadOnlyPages, sent
from training.console import gate_words
from training.console.experiment_form import StartForm
from training.models import Experiment
from training.services.promoting import GatesClosed, Refused

COLOURS = {
    Experiment.Verdict.RUNNING: "info",
    Experiment.Verdict.WINNER: "success",
    Experiment.Verdict.HARM: "danger",
}


@admin.register(Experiment)
class ExperimentAdmin(OfBots, ReadOnlyPages):
    """Whoever may look at models may look at what was tried with them.

    What needs statistics is imported where it is used: they take a second and much memory, and most
    processes of the console never need them.
    """

    section = "training"
    list_display = ("challenger", "bot", "part", "outcome", "started_at", "ended_at", "started_by")
    list_filter = ("bot", "verdict")
    list_select_related = ("bot", "model_version", "traffic", "started_by")
    list_before_template = "training/experiments_head.html"

    class Media:
        css: ClassVar = {
            "all": ("console/training.css", "console/evaluation.css", "console/experiments.css")
        }

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("start/", self.start_view, "start_experiment"),
            self.route("<int:pk>/end/", self.end_view, "end_experiment"),
            *super().get_urls(),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("training.view_modelversion"))

    @admin.display(description=_("challenger"), ordering="model_version")
    def challenger(self, experiment: Experiment) -> str:
        return str(experiment.model_version)

    @admin.display(description=_("share"))
    def part(self, experiment: Experiment) -> str:
        return f"{experiment.traffic.share} %"

    @display(description=_("outcome"), label=COLOURS)
    def outcome(self, experiment: Experiment) -> tuple[str, Any]:
        return experiment.verdict, experiment.get_verdict_display()

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
        self.require(request, "training.view_modelversion")
        return self._shown(request, self.own(request, object_id))

    def start_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request, "training.promote_modelversion")
        form = StartForm(
            *sent(request), user=request.user, initial={"model": request.GET.get("model")}
        )
        closed: list[Any] = []
        if request.method == "POST" and form.is_valid():
            from training.services import experimenting

            version = form.cleaned_data["model"]
            try:
                experiment = experimenting.start(
                    version,
                    version.run.bot,
                    request.user,  # type: ignore[arg-type]  # staff only
                    share=form.cleaned_data["share"],
                    effect=form.cleaned_data["effect"] / 100,
                )
            except GatesClosed as error:
                form.add_error("model", str(error))
                closed = [gate_words.shown(each) for each in error.gates]
            except Refused as error:
                form.add_error("effect" if error.code == "effect" else None, str(error))
            else:
                messages.success(request, _("It answers its share of the visitors from now on."))
                return _to(experiment)
        return self.page(request, "start_experiment", _("New experiment"), form=form, closed=closed)

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "training.promote_modelversion")
        experiment = self.own(request, pk)
        if request.method != "POST":
            return _to(experiment)
        from training.services import experimenting

        reason = request.POST.get("reason", "")
        user: User = request.user  # type: ignore[assignment]  # staff only
        try:
            experimenting.end(experiment, user, reason)
        except Refused as error:
            # Nothing that was written is lost.
            return self._shown(request, experiment, error=str(error), draft=reason)
        messages.success(request, _("It has ended. Everybody is answered by what serves."))
        return _to(experiment)

    def _shown(self, request: HttpRequest, experiment: Experiment, **context: Any) -> HttpResponse:
        from training.console import experiment_page

        shown = experiment_page.shown(experiment)
        title = _("Experiment with %s") % experiment.model_version
        return self.page(request, "experiment", title, **shown, **context)


def _to(experiment: Experiment) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:training_experiment_change", args=[experiment.pk]))

"""A model is tried on a share of the customers: begun and stopped by people, ended by its plan."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from training.console.experiment_form import StartForm
from training.console.trials import Trials, staff
from training.models import Experiment
from training.services.promoting import Refused

COLOURS = {
    Experiment.Verdict.RUNNING: "info",
    Experiment.Verdict.WINNER: "success",
    Experiment.Verdict.HARM: "danger",
}


@admin.register(Experiment)
class ExperimentAdmin(Trials):
    """Whoever may look at models may look at what was tried with them."""

    start_form = StartForm
    start_page = "start_experiment"
    start_title = _("New experiment")
    started = _("It answers its share of the visitors from now on.")
    refusals = frozenset({"effect"})
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

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        self.require(request, "training.view_modelversion")
        return self._shown(request, self.own(request, object_id))

    def begin(self, chosen: dict[str, Any], user: User) -> Experiment:
        from training.services import experimenting

        version = chosen["model"]
        share, effect = chosen["share"], chosen["effect"] / 100
        return experimenting.start(version, version.run.bot, user, share=share, effect=effect)

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "training.promote_modelversion")
        experiment = self.own(request, pk)
        if request.method != "POST":
            return self.to(experiment)
        from training.services import experimenting

        reason = request.POST.get("reason", "")
        try:
            experimenting.end(experiment, staff(request), reason)
        except Refused as error:
            # Nothing that was written is lost.
            return self._shown(request, experiment, error=str(error), draft=reason)
        messages.success(request, _("It has ended. Everybody is answered by what serves."))
        return self.to(experiment)

    def _shown(self, request: HttpRequest, experiment: Experiment, **context: Any) -> HttpResponse:
        from training.console import experiment_page

        shown = experiment_page.shown(experiment)
        title = _("Experiment with %s") % experiment.model_version
        return self.page(request, "experiment", title, **shown, **context)

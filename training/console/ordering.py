"""A new training: chosen, looked at, started."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from chat.console.pages import Pages
from training.access import datasets_of
from training.console.order_form import OVERRIDES, OrderForm, defaults
from training.models import DatasetVersion
from training.presentation import refusal_texts
from training.services import measuring_requests, planning, runs
from training.services.ordering import Order, OrderRefused


class OrderPages(Pages):
    """The plan is shown before anything starts; what starts is what was shown."""

    section = "training"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("new/", self.new_view, "new_run"),
            self.route("measure/", self.measure_view, "measure_run"),
            self.route("start/", self.start_view, "start_run"),
            *super().get_urls(),
        ]

    def new_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request, "training.add_trainingrun")
        versions = DatasetVersion.objects.filter(dataset__in=datasets_of(request.user))
        form = OrderForm({**defaults(versions), **request.GET.dict()}, user=request.user)
        context: dict[str, Any] = {
            "form": form,
            "recipes": [(each, _(each.description)) for each in form.recipes.values()],
            "has_versions": versions.exists(),
            "overrides": [form[name] for name in ("seed", *OVERRIDES)],
            "has_overrides": any(request.GET.get(name) for name in OVERRIDES),
            "query": form.query(),
        }
        if context["has_versions"] and form.is_valid():
            context |= _planned(form)
        return self.page(request, "new_run", _("New training"), **context)

    def measure_view(self, request: HttpRequest) -> HttpResponse:
        """Leave the measuring to the trainer: it takes longer than anybody waits for a page."""
        self.require(request, "training.add_trainingrun")
        form = OrderForm(request.POST, user=request.user)
        if request.method == "POST" and (order := _order(request, form)):
            try:
                measuring_requests.ask(order)
            except measuring_requests.NoTrainer:
                messages.error(request, _("No trainer can be reached at the moment."))
        return _back(form)

    def start_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request, "training.add_trainingrun")
        form = OrderForm(request.POST, user=request.user)
        if request.method != "POST" or (order := _order(request, form)) is None:
            return _back(form)
        try:
            run = runs.queue(
                order,
                planning.known(order),
                created_by=request.user,  # type: ignore[arg-type]  # staff only
            )
        except runs.DoesNotFit as error:
            messages.error(request, str(error))
            return _back(form)
        messages.success(request, _("The training is in line."))
        return HttpResponseRedirect(reverse("admin:training_trainingrun_change", args=[run.pk]))


def _planned(form: OrderForm) -> dict[str, Any]:
    try:
        order = form.order()
    except OrderRefused as error:
        return {"refusals": [str(error)]}
    plan = planning.known(order)
    asked = measuring_requests.asked(order) if plan.minutes is None else None
    return {
        "order": order,
        "plan": plan,
        "refusals": refusal_texts(plan),
        "asked": asked,
        "is_measuring": asked is not None and asked.is_open,
    }


def _order(request: HttpRequest, form: OrderForm) -> Order | None:
    if not form.is_valid():
        return None
    try:
        return form.order()
    except OrderRefused as error:
        messages.error(request, str(error))
        return None


def _back(form: OrderForm) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('admin:training_new_run')}?{urlencode(form.query())}")

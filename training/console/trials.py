"""A model is tried before it serves: the list of the trials of a kind, and the page that begins one."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from chat.console.own import OfBots
from chat.console.pages import ReadOnlyPages, sent
from training.console import gate_words
from training.console.trial_form import TrialForm
from training.services.promoting import GatesClosed, Refused


class Trials(OfBots, ReadOnlyPages):
    """``start_page`` is the template that begins one, ``started`` what is said when that was done.

    ``refusals`` are the codes that are said at the field of the same name, not above the form.

    What needs statistics is imported where it is used: they take a second and much memory, and most
    processes of the console never need them.
    """

    section = "training"
    start_form: ClassVar[type[TrialForm]]
    start_page: str
    start_title: Any
    started: Any
    refusals: ClassVar[frozenset[str]] = frozenset()

    def begin(self, chosen: dict[str, Any], user: User) -> Model:
        """What the form chose, begun. Raises :class:`Refused`."""
        raise NotImplementedError

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "is_empty": not self.get_queryset(request).exists()}
        return super().changelist_view(request, context)  # type: ignore[no-any-return]

    def start_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request, "training.promote_modelversion")
        form = self.start_form(
            *sent(request), user=request.user, initial={"model": request.GET.get("model")}
        )
        closed: list[Any] = []
        if request.method == "POST" and form.is_valid():
            try:
                trial = self.begin(form.cleaned_data, staff(request))
            except GatesClosed as error:
                form.add_error("model", str(error))
                closed = [gate_words.shown(each) for each in error.gates]
            except Refused as error:
                form.add_error(error.code if error.code in self.refusals else None, str(error))
            else:
                messages.success(request, self.started)
                return self.to(trial)
        return self.page(request, self.start_page, self.start_title, form=form, closed=closed)

    def to(self, trial: Model) -> HttpResponse:
        """To the page of one."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(f"admin:{name}", args=[trial.pk]))


def staff(request: HttpRequest) -> User:
    """Whoever asks: the console is open to nobody else."""
    return request.user  # type: ignore[return-value]  # staff only

"""Which figures: of which bot, language and days."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from chat.analytics.periods import LONGEST_DAYS, Period
from chat.forms import LANGUAGES
from chat.models import Bot

DEFAULT_PERIOD = "30"
CUSTOM = "custom"
PERIODS = (
    ("1", _("today")),
    ("7", _("7 days")),
    ("30", _("30 days")),
    ("90", _("90 days")),
    (CUSTOM, _("from … to …")),
)


class DayWidget(UnfoldAdminDateWidget):
    """The browser's own: it speaks the reader's language and needs no script."""

    input_type = "date"

    class Media:
        js = ()


class AnalyticsForm(forms.Form):
    """``period``, ``chosen`` and the others can be asked of a valid one."""

    days = forms.ChoiceField(label=_("period"), choices=PERIODS, widget=UnfoldAdminSelectWidget)
    first = forms.DateField(label=_("from"), required=False, widget=DayWidget(format="%Y-%m-%d"))
    last = forms.DateField(label=_("to"), required=False, widget=DayWidget(format="%Y-%m-%d"))
    bot = forms.ModelChoiceField(
        Bot.objects.none(),
        label=_("bot"),
        required=False,
        empty_label=_("all my bots"),
        widget=UnfoldAdminSelectWidget,
    )
    language = forms.ChoiceField(
        label=_("language"),
        required=False,
        choices=[("", _("all languages")), *LANGUAGES.items()],
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, asked: Any, *, bots: QuerySet[Bot]) -> None:
        super().__init__({"days": DEFAULT_PERIOD, **asked.dict()})
        self._bots = bots.order_by("name")
        self.fields["bot"].queryset = self._bots  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("days") != CUSTOM or self.errors:
            return data
        first, last = data.get("first"), data.get("last")
        if not (first and last):
            self.add_error("first" if not first else "last", _("Choose both days."))
        elif last < first:
            self.add_error("last", _("The last day comes before the first."))
        elif (last - first).days >= LONGEST_DAYS:
            self.add_error("last", _("Choose a year at most."))
        return data

    @property
    def period(self) -> Period:
        data = self.cleaned_data
        if data["days"] == CUSTOM:
            return Period(data["first"], data["last"])
        return Period.up_to(timezone.localdate(), int(data["days"]))

    @property
    def only(self) -> Bot | None:
        """The one bot that is looked at; None: all of them."""
        chosen: Bot | None = self.cleaned_data["bot"]
        return chosen

    @cached_property
    def chosen(self) -> list[int]:
        """The bots whose figures are wanted: none but those that the person works on."""
        return [self.only.pk] if self.only else [each.pk for each in self._bots]

    @property
    def locale(self) -> str:
        return str(self.cleaned_data["language"])

    @property
    def query(self) -> str:
        """The same choice, for another address."""
        asked = {name: self[name].value() for name in self.fields}
        return urlencode({name: value for name, value in asked.items() if value})

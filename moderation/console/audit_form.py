"""Which entries of the audit trail somebody looks for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminTextInputWidget

from moderation.models import AuditEntry


class DayWidget(UnfoldAdminDateWidget):
    """The browser's own: it speaks the reader's language and needs no script."""

    input_type = "date"

    class Media:
        js = ()


def _text(label: Any, placeholder: str) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"placeholder": placeholder})
    return forms.CharField(label=label, required=False, max_length=150, widget=widget)


class FilterForm(forms.Form):
    """All fields together narrow the list; a text is looked for at the beginning."""

    action = _text(_("action"), "conversation.taken_over")
    actor = _text(_("who"), "admin")
    target = _text(_("what"), "conversation:…")
    bot = _text(_("bot"), "demo")
    first = forms.DateField(label=_("from"), required=False, widget=DayWidget(format="%Y-%m-%d"))
    last = forms.DateField(label=_("to"), required=False, widget=DayWidget(format="%Y-%m-%d"))

    def entries(self) -> QuerySet[AuditEntry]:
        """What is looked for, newest first; nothing for dates that are none."""
        if not self.is_valid():
            return AuditEntry.objects.none()
        found, given = AuditEntry.objects.exclude(seq=None), self.cleaned_data
        if given["action"]:
            found = found.filter(action__startswith=given["action"])
        if given["actor"]:
            found = found.filter(
                Q(actor_name__startswith=given["actor"]) | Q(actor_id=given["actor"])
            )
        if given["target"]:
            found = found.filter(target__startswith=given["target"])
        if given["bot"]:
            found = found.filter(bot=given["bot"])
        # Times are kept as text, in UTC, and texts of this form are in the order of time.
        if given["first"]:
            found = found.filter(time__gte=given["first"].isoformat())
        if given["last"]:
            found = found.filter(time__lt=(given["last"] + timedelta(days=1)).isoformat())
        return found.order_by("-seq")

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.data.items() if name in self.fields})

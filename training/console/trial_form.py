"""What staff choose before a model is tried, in whatever way."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from chat.access import Staff, bots_of
from training.access import model_versions_of
from training.models import ModelVersion

OFFERED = 50
"""The newest models."""


def number(label: Any, *, most: int, initial: int, help_text: Any) -> forms.IntegerField:
    """From 1 to ``most``."""
    return forms.IntegerField(
        label=label,
        min_value=1,
        max_value=most,
        initial=initial,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
        help_text=help_text,
    )


def percentage(*, most: int, help_text: Any) -> forms.IntegerField:
    """Of a hundred visitors, or of a hundred answers."""
    return number(_("share, percent"), most=most, initial=20, help_text=help_text)


class TrialForm(forms.Form):
    """One of the newest models of somebody's bots. ``role`` is what it is called in the trial."""

    role: Any
    model = forms.ModelChoiceField(
        ModelVersion.objects.none(),
        widget=UnfoldAdminSelectWidget,
        help_text=_("A model whose gates are open, and whose training you did not start."),
    )

    def __init__(self, *args: Any, user: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = model_versions_of(user).filter(run__bot__in=bots_of(user)).order_by("-id")
        newest = list(mine.values_list("pk", flat=True)[:OFFERED])
        field: Any = self.fields["model"]
        field.label = self.role
        field.queryset = ModelVersion.objects.filter(pk__in=newest)

"""What staff choose before a model is tried on customers."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from chat.access import Staff, bots_of
from chat.models.splits import LARGEST_SHARE
from training.access import model_versions_of
from training.models import ModelVersion

LARGEST_EFFECT = 50
"""Points. Nobody hopes for more."""
OFFERED = 50
"""The newest models."""


class StartForm(forms.Form):
    """One experiment. ``effect`` is in points of a hundred."""

    model = forms.ModelChoiceField(
        ModelVersion.objects.none(),
        label=_("challenger"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("A model whose gates are open, and whose training you did not start."),
    )
    share = forms.IntegerField(
        label=_("share, percent"),
        min_value=1,
        max_value=LARGEST_SHARE,
        initial=20,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
        help_text=_(
            "So many of 100 visitors are answered by it, each of them always. The larger the share, "
            "the sooner it is known; half of the visitors is the most."
        ),
    )
    effect = forms.IntegerField(
        label=_("difference worth finding, points"),
        min_value=1,
        max_value=LARGEST_EFFECT,
        initial=10,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
        help_text=_(
            "Of conversations resolved without a person: 10 finds 70 % beside 60 %. Half the "
            "difference takes four times the customers."
        ),
    )

    def __init__(self, *args: Any, user: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = model_versions_of(user).filter(run__bot__in=bots_of(user)).order_by("-id")
        newest = mine.values("pk")[:OFFERED]
        field: Any = self.fields["model"]
        field.queryset = ModelVersion.objects.filter(
            pk__in=list(newest.values_list("pk", flat=True))
        )

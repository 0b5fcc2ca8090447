"""What staff choose before a model answers unseen, and what they say of a pair of answers."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from chat.access import Staff, bots_of
from chat.models import ShadowAnswer
from chat.models.shadows import MOST_ANSWERS
from training.access import model_versions_of
from training.models import ModelVersion, ShadowVote

OFFERED = 50
"""The newest models."""


class ShadowForm(forms.Form):
    """One shadow."""

    model = forms.ModelChoiceField(
        ModelVersion.objects.none(),
        label=_("candidate"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("A model whose gates are open, and whose training you did not start."),
    )
    share = forms.IntegerField(
        label=_("share, percent"),
        min_value=1,
        max_value=100,
        initial=20,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
        help_text=_("So many of 100 answers that a model had to do with are given by it, too."),
    )
    limit = forms.IntegerField(
        label=_("answers"),
        min_value=1,
        max_value=MOST_ANSWERS,
        initial=500,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
        help_text=_("After so many it ends by itself."),
    )

    def __init__(self, *args: Any, user: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = model_versions_of(user).filter(run__bot__in=bots_of(user)).order_by("-id")
        newest = list(mine.values_list("pk", flat=True)[:OFFERED])
        field: Any = self.fields["model"]
        field.queryset = ModelVersion.objects.filter(pk__in=newest)


class VoteForm(forms.Form):
    """A vote on one pair of a shadow, by the sides on which a person saw the two."""

    answer = forms.ModelChoiceField(ShadowAnswer.objects.none(), to_field_name="public_id")
    vote = forms.ChoiceField(
        choices=[(each, each) for each in ("left", "right", "both", "neither")]
    )

    def __init__(self, *args: Any, answers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["answer"]
        field.queryset = answers

    def choice(self, *, is_candidate_left: bool) -> ShadowVote.Choice:
        """What the vote means."""
        said: str = self.cleaned_data["vote"]
        if said in ("both", "neither"):
            return ShadowVote.Choice(said)
        is_candidates = (said == "left") is is_candidate_left
        return ShadowVote.Choice.CANDIDATE if is_candidates else ShadowVote.Choice.CHAMPION

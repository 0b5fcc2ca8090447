"""What staff choose before a model answers unseen, and what they say of a pair of answers."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.models import ShadowAnswer
from chat.models.shadows import MOST_ANSWERS
from training.console.trial_form import TrialForm, number, percentage
from training.models import ShadowVote


class ShadowForm(TrialForm):
    """One shadow."""

    role = _("candidate")
    share = percentage(
        most=100,
        help_text=_("So many of 100 answers that a model had to do with are given by it, too."),
    )
    limit = number(
        _("answers"),
        most=MOST_ANSWERS,
        initial=500,
        help_text=_("After so many it ends by itself."),
    )


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

"""What staff choose before a model is tried on customers."""

from django.utils.translation import gettext_lazy as _

from chat.models.splits import LARGEST_SHARE
from training.console.trial_form import TrialForm, number, percentage

LARGEST_EFFECT = 50
"""Points. Nobody hopes for more."""


class StartForm(TrialForm):
    """One experiment. ``effect`` is in points of a hundred."""

    role = _("challenger")
    share = percentage(
        most=LARGEST_SHARE,
        help_text=_(
            "So many of 100 visitors are answered by it, each of them always. The larger the share, "
            "the sooner it is known; half of the visitors is the most."
        ),
    )
    effect = number(
        _("difference worth finding, points"),
        most=LARGEST_EFFECT,
        initial=10,
        help_text=_(
            "Of conversations resolved without a person: 10 finds 70 % beside 60 %. Half the "
            "difference takes four times the customers."
        ),
    )

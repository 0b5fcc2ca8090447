"""What an answer should have been."""

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from chat.services.knowledge import LONGEST_ANSWER


class CorrectionForm(forms.Form):
    text = forms.CharField(
        label=_("The right answer"),
        max_length=LONGEST_ANSWER,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_(
            "Served at once to everybody who asks in these words. Somebody else approves it as "
            "an example for the next model, and every model is asked this question."
        ),
    )

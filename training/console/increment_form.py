"""Which bot shall learn next, and how much."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.access import Staff, bots_of
from chat.models import Bot
from training.models import Increment


class ProposeForm(forms.Form):
    """Bots of one's own that have nothing under way; what waits at the gate is passed over."""

    bot = forms.ModelChoiceField(
        Bot.objects.none(),
        label=_("bot"),
        empty_label=None,
        error_messages={
            "required": _("Choose a bot."),
            "invalid_choice": _("An increment of this bot is under way already."),
        },
    )
    size = forms.IntegerField(
        label=_("examples"),
        required=False,
        min_value=1,
        max_value=5000,
        help_text=_("Empty: as many as was chosen for the bot."),
    )

    def __init__(self, *args: Any, user: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        busy = Increment.objects.filter(ended_at=None).exclude(stage=Increment.Stage.GATE)
        free = bots_of(user).filter(is_active=True).exclude(pk__in=busy.values("bot"))
        self.fields["bot"].queryset = free.order_by("name")  # type: ignore[attr-defined]

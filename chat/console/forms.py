"""What staff types about knowledge."""

import functools
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from chat.forms import LANGUAGES
from chat.knowledge.embedding import EmbeddingError
from chat.libraries import LibraryShelf
from chat.models import Bot, CuratedAnswer
from chat.services import knowledge
from chat.services.conflicts import Conflict, Proposal, conflicts, conflicts_of_all
from chat.services.knowledge import Draft, InvalidAnswer

LANGUAGE_CHOICES = list(LANGUAGES.items())


@functools.cache
def shelf() -> LibraryShelf:
    """One for the process: it opens the embedder once, and only when somebody writes."""
    return LibraryShelf()


class AnswerForm(forms.ModelForm):  # type: ignore[type-arg]
    """An approved answer. :attr:`draft` is what it says, once it is valid."""

    questions = forms.CharField(
        label=capfirst(_("questions")),
        help_text=_(
            "One a line, as customers put it. The first one is shown to them; "
            "the more different the others are, the better it is found."
        ),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
    )
    note = forms.CharField(
        label=capfirst(_("what changed")),
        max_length=200,
        required=False,
        help_text=_("Kept with this version."),
        widget=UnfoldAdminTextInputWidget,
    )
    save_anyway = forms.BooleanField(
        label=_("Save anyway"), required=False, widget=forms.HiddenInput
    )

    class Meta:
        model = CuratedAnswer
        fields = (
            "bot", "locale", "text", "topic", "key", "owner", "is_active",
            "valid_from", "valid_until",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "text" in self.fields:
            self.fields["text"].widget.attrs["rows"] = 5
        self.conflicts: list[Conflict] = []
        self.draft: Draft | None = None
        if self.instance.pk:
            texts = self.instance.variants.values_list("text", flat=True)
            self.initial.setdefault("questions", "\n".join(texts))
        if "locale" in self.fields:
            self.fields["locale"].choices = LANGUAGE_CHOICES  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        begin, end = data.get("valid_from"), data.get("valid_until")
        # Of those that end before they begin, the row's own constraint says so.
        if self.errors or (begin and end and end <= begin):
            return data
        self.draft = Draft(
            questions=tuple(data["questions"].splitlines()),
            text=data["text"],
            key=data["key"],
            topic=data["topic"],
            is_active=data["is_active"],
            owner=data["owner"],
            valid_from=begin,
            valid_until=end,
            note=data["note"],
        )
        try:
            self.draft = knowledge.clean(self.draft)
        except InvalidAnswer as error:
            self.add_error(None, str(error))
            return data
        self._check_key(self.draft.key)
        if self.draft.is_active and not self.errors:
            self._check_conflicts(self.draft)
        return data

    @property
    def bot(self) -> Bot:
        chosen: Bot = self.cleaned_data.get("bot") or self.instance.bot
        return chosen

    @property
    def locale(self) -> str:
        return str(self.cleaned_data.get("locale") or self.instance.locale)

    def _check_key(self, key: str) -> None:
        others = CuratedAnswer.objects.filter(bot=self.bot, locale=self.locale, key=key)
        if key and others.exclude(pk=self.instance.pk).exists():
            self.add_error("key", _("Another answer of this bot and language has this key."))

    def _check_conflicts(self, draft: Draft) -> None:
        """Shown before saving; whoever ticks has seen them."""
        saved = CuratedAnswer.objects.filter(pk=self.instance.pk).first()
        try:
            self.conflicts = conflicts(
                self.bot, self.locale, draft.questions, draft.text, besides=saved, shelf=shelf()
            )
        except EmbeddingError:
            proposal = Proposal(draft.questions, draft.text, self.instance.pk)
            self.conflicts = conflicts_of_all(self.bot, self.locale, [proposal], shelf=None)
        if not self.conflicts:
            return
        self.fields["save_anyway"].widget = UnfoldBooleanSwitchWidget()
        if not self.cleaned_data["save_anyway"]:
            self.add_error(
                None,
                _("Other answers answer these questions, too. Look at them, then save anyway."),
            )


class TargetForm(forms.Form):
    """Which knowledge."""

    bot = forms.ModelChoiceField(
        Bot.objects.order_by("name"),
        label=_("bot"),
        empty_label=None,
        widget=UnfoldAdminSelectWidget,
    )
    locale = forms.ChoiceField(
        label=_("language"), choices=LANGUAGE_CHOICES, widget=UnfoldAdminSelectWidget
    )


class ImportForm(TargetForm):
    """Approved answers to be looked at."""

    file = forms.FileField(
        label=_("file"),
        help_text=_(
            "JSON or CSV with key, topic, question and answer; several questions of an answer "
            "stand in one cell, a line each. At most 5 MB. What is exported here can be imported."
        ),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".jsonl,.json,.csv"}),
    )


class PeriodForm(forms.Form):
    """Which bot, and since when."""

    DAYS = ((7, _("7 days")), (30, _("30 days")), (90, _("90 days")))

    bot = forms.ModelChoiceField(
        Bot.objects.order_by("name"),
        label=_("bot"),
        empty_label=None,
        widget=UnfoldAdminSelectWidget,
    )
    days = forms.TypedChoiceField(
        label=_("period"), choices=DAYS, coerce=int, widget=UnfoldAdminSelectWidget
    )

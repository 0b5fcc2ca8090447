"""What staff types about datasets."""

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from chat.console.forms import LANGUAGE_CHOICES
from training.formats import RowRefused, Turn, labels
from training.models import Dataset, Example
from training.services import examples
from training.services.examples import InvalidExample
from training.services.importing import FAULTS, turns_of


class ImportForm(forms.Form):
    """Conversations to be looked at."""

    file = forms.FileField(
        label=_("file"),
        help_text=_(
            "JSONL with messages, JSON with context and response, ShareGPT, Alpaca, or a CSV or "
            "XLSX table with question and answer. At most 20 MB and 50,000 conversations."
        ),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".jsonl,.json,.csv,.tsv,.xlsx"}),
    )
    locale = forms.ChoiceField(
        label=_("language"),
        choices=[("", _("as each conversation is written")), *LANGUAGE_CHOICES],
        required=False,
        help_text=_("For conversations that do not say it."),
        widget=UnfoldAdminSelectWidget,
    )
    source = forms.CharField(
        label=_("source"),
        max_length=200,
        required=False,
        help_text=_("Where the conversations come from."),
        widget=UnfoldAdminTextInputWidget,
    )
    licence = forms.CharField(
        label=_("licence"), max_length=80, required=False, widget=UnfoldAdminTextInputWidget
    )
    status = forms.ChoiceField(
        label=_("status"),
        choices=[
            (Example.Status.DRAFT, _("to be reviewed, each of them")),
            (Example.Status.APPROVED, _("approved: I have reviewed them")),
        ],
        widget=UnfoldAdminSelectWidget,
    )


class FreezeForm(forms.Form):
    """Why a version is made."""

    note = forms.CharField(
        label=_("note"),
        max_length=200,
        required=False,
        help_text=_("Kept with the version."),
        widget=UnfoldAdminTextInputWidget,
    )


class DatasetForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Dataset
        fields = ("name", "slug", "bot", "description")


class ExampleForm(forms.ModelForm):  # type: ignore[type-arg]
    """An example as a labelled text. :attr:`turns` are what it says, once it is valid."""

    # The theme keeps the name of a dataset's own field for tables of its own.
    collection = forms.ModelChoiceField(
        Dataset.objects.order_by("name"),
        label=capfirst(_("dataset")),
        widget=UnfoldAdminSelectWidget,
    )
    conversation_text = forms.CharField(
        label=capfirst(_("conversation")),
        strip=False,
        help_text=_(
            "Each turn in lines of its own, “User:” or “Agent:” before it. The last one is the "
            "answer to learn. Personal data is masked."
        ),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
    )

    class Meta:
        model = Example
        fields = (
            "locale", "scenario", "group", "hands_over", "status", "split", "source",
            "licence",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.turns: list[Turn] = []
        if "locale" in self.fields:
            self.fields["locale"].choices = LANGUAGE_CHOICES  # type: ignore[attr-defined]
        if self.instance.pk:
            self.fields.pop("collection", None)
            self.initial.setdefault("conversation_text", as_text(self.instance))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return data
        dataset = data.get("collection") or self.instance.dataset
        self.instance.dataset = dataset
        try:
            # Browsers end lines as typewriters did.
            turns = labels.parse(data["conversation_text"].replace("\r\n", "\n"))
            self.turns = examples.kept(dataset, turns)
        except RowRefused as error:
            self.add_error("conversation_text", str(FAULTS[error.fault]))
            return data
        except InvalidExample as error:
            self.add_error("conversation_text", str(error))
            return data
        locale = data.get("locale") or self.instance.locale
        if examples.is_known(dataset, self.turns, locale, besides=self.instance):
            self.add_error(
                "conversation_text", _("This dataset holds the same conversation already.")
            )
        return data


def as_text(example: Example) -> str:
    return labels.written(turns_of(example.messages), example.locale)

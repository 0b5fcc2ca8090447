"""How staff edits a bot: a field per language, a line per entry."""

import re
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from chat.console.office_hours import OfficeHours
from chat.models import Bot
from chat.models.fields import LOCALES

LANGUAGES = {"en": _("English"), "zh-hans": _("Simplified Chinese")}


class LocaleTexts(forms.MultiValueField):
    """``{"en": text, "zh-hans": text}``; languages without text are left out."""

    def __init__(self, *, rows: int = 3, **kwargs: Any) -> None:
        # The model field's encoder means nothing here.
        kwargs.pop("encoder", None)
        kwargs.pop("decoder", None)
        super().__init__(
            fields=[forms.CharField(required=False) for _locale in LOCALES],
            widget=LocaleTextsWidget(rows),
            require_all_fields=False,
            **kwargs,
        )

    def compress(self, data_list: list[str]) -> dict[str, Any]:
        values = zip(LOCALES, data_list, strict=False)
        return {locale: self.value(text) for locale, text in values if text.strip()}

    def value(self, text: str) -> Any:
        return text.strip()


class LocaleLines(LocaleTexts):
    """``{"en": [line, ...], ...}``."""

    def value(self, text: str) -> list[str]:
        return _lines(text)


class LocaleTextsWidget(forms.MultiWidget):
    def __init__(self, rows: int) -> None:
        super().__init__(
            {
                locale.replace("-", "_"): UnfoldAdminTextareaWidget(
                    attrs={
                        "rows": rows,
                        "lang": locale,
                        "placeholder": LANGUAGES[locale],
                        "aria-label": LANGUAGES[locale],
                    }
                )
                for locale in LOCALES
            }
        )

    def decompress(self, value: Any) -> list[str]:
        texts = value if isinstance(value, dict) else {}
        return [
            "\n".join(text) if isinstance(text := texts.get(locale, ""), list) else text
            for locale in LOCALES
        ]


class Lines(forms.CharField):
    """A list, one entry a line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})

    def to_python(self, value: Any) -> Any:
        return _lines(value or "")

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (initial or []) != _lines(data or "")


class Names(Lines):
    """A list, one entry a line or with commas between."""

    def to_python(self, value: Any) -> Any:
        return _lines(re.sub("[,，、]", "\n", value or ""))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


class BotForm(forms.ModelForm):  # type: ignore[type-arg]
    instructions = LocaleTexts(
        label=capfirst(_("instructions")),
        rows=6,
        required=False,
        help_text=_(
            "What the model is told about its task. "
            "Assume that customers can make the model repeat it: no secrets."
        ),
    )
    welcome = LocaleTexts(label=capfirst(_("welcome")), required=False)
    starter_questions = LocaleLines(
        label=capfirst(_("starter questions")),
        required=False,
        help_text=_("Up to five, one a line."),
    )
    allowed_sites = Lines(
        label=capfirst(_("allowed sites")),
        required=False,
        help_text=_("Sites that may embed the widget, one a line: https://shop.example"),
    )
    product_names = Names(
        label=capfirst(_("product names")),
        required=False,
        help_text=_(
            "One a line. An approved answer is served by meaning only if customer and approved "
            "question name the same products."
        ),
    )

    office_hours = OfficeHours(
        label=capfirst(_("office hours")),
        required=False,
        help_text=_(
            "When people answer; outside them customers can leave a message. "
            "All empty: always. A day without hours: nobody is there."
        ),
    )

    class Meta:
        model = Bot
        fields = (
            "name",
            "slug",
            "is_active",
            "theme_color",
            "welcome",
            "starter_questions",
            "instructions",
            "product_names",
            "confidence_threshold",
            "unsure_answers",
            "allowed_sites",
            "office_hours",
            "retention_days",
            "retention_covers_examples",
        )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]

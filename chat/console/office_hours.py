"""Office hours in a form: a time zone, and a line for each day of the week."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from chat.hours import DAYS

LABELS = {
    "mon": _("Monday"),
    "tue": _("Tuesday"),
    "wed": _("Wednesday"),
    "thu": _("Thursday"),
    "fri": _("Friday"),
    "sat": _("Saturday"),
    "sun": _("Sunday"),
}
_SPAN = re.compile(r"(\d{1,2}:\d{2})\s*[-–—]\s*(\d{1,2}:\d{2})")


class OfficeHoursWidget(forms.MultiWidget):
    template_name = "inbox/office_hours.html"

    def __init__(self) -> None:
        zone = UnfoldAdminTextInputWidget(
            attrs={
                "placeholder": timezone.get_default_timezone_name(),
                "aria-label": _("time zone"),
            }
        )
        days = {
            day: UnfoldAdminTextInputWidget(
                attrs={"placeholder": "09:00-12:30, 13:30-18:00", "aria-label": LABELS[day]}
            )
            for day in DAYS
        }
        super().__init__({"timezone": zone, **days})

    def decompress(self, value: Any) -> list[str]:
        if not isinstance(value, dict) or "weekly" not in value:
            return [""] * (1 + len(DAYS))
        weekly = value["weekly"]
        spans = [", ".join("-".join(span) for span in weekly.get(day, [])) for day in DAYS]
        return [value["timezone"], *spans]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        labels = [_("time zone"), *LABELS.values()]
        context["lines"] = list(zip(labels, context["widget"]["subwidgets"], strict=True))
        return context


class OfficeHours(forms.MultiValueField):
    """``{"timezone": ..., "weekly": {...}}``, or nothing when all is left empty.

    What a zone or an hour may be is said by :func:`chat.hours.validate_office_hours`.
    """

    def __init__(self, **kwargs: Any) -> None:
        # The model field's encoder means nothing here.
        kwargs.pop("encoder", None)
        kwargs.pop("decoder", None)
        super().__init__(
            fields=[forms.CharField(required=False, max_length=200) for _line in range(8)],
            widget=OfficeHoursWidget(),
            require_all_fields=False,
            **kwargs,
        )

    def compress(self, data_list: list[str]) -> dict[str, Any]:
        if not any(line.strip() for line in data_list):
            return {}
        zone, *lines = data_list
        weekly = {day: _spans(line) for day, line in zip(DAYS, lines, strict=True) if line.strip()}
        return {
            "timezone": zone.strip() or timezone.get_default_timezone_name(),
            "weekly": weekly,
        }


def _spans(line: str) -> list[list[str]]:
    spans = []
    for part in re.split("[,，、;]", line):
        found = _SPAN.fullmatch(part.strip())
        if found is None:
            raise ValidationError(
                _("Write hours like 09:00-12:30, 13:30-18:00: in order, up to four spans a day.")
            )
        spans.append([clock.rjust(5, "0") for clock in found.groups()])
    return spans

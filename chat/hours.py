"""Office hours of a bot's people: ``{"timezone": "Europe/Berlin", "weekly": {"mon": [["09:00",
"18:00"]]}}``. Nothing means always.

A day may have several spans; a span ends on the day it begins, at ``24:00`` at the latest.
"""

import itertools
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPANS_PER_DAY = 4
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")


def is_open(office_hours: Mapping[str, Any], at: datetime | None = None) -> bool:
    """Whether people are there at ``at``, an aware time, or now."""
    if not office_hours:
        return True
    there = (at or timezone.now()).astimezone(ZoneInfo(office_hours["timezone"]))
    clock = there.strftime("%H:%M")
    spans = office_hours["weekly"].get(DAYS[there.weekday()], [])
    return any(begin <= clock < end for begin, end in spans)


def validate_office_hours(value: object) -> None:
    """Empty, or a time zone that exists and spans in order, day by day."""
    if value == {}:
        return
    if not isinstance(value, dict) or set(value) != {"timezone", "weekly"}:
        raise ValidationError(_("Office hours need a time zone and the hours of the week."))
    if value["timezone"] not in available_timezones():
        raise ValidationError(_("There is no such time zone. Write one like Asia/Shanghai."))
    weekly = value["weekly"]
    if not isinstance(weekly, dict) or not set(weekly) <= set(DAYS):
        raise ValidationError(_("Office hours need a time zone and the hours of the week."))
    if not all(_are_spans(spans) for spans in weekly.values()):
        raise ValidationError(
            _("Write hours like 09:00-12:30, 13:30-18:00: in order, up to four spans a day.")
        )


def _are_spans(spans: object) -> bool:
    if not isinstance(spans, list) or len(spans) > SPANS_PER_DAY:
        return False
    clocks: list[object] = []
    for span in spans:
        if not isinstance(span, list) or len(span) != 2:
            return False
        clocks += span
    written = [each for each in clocks if isinstance(each, str) and _CLOCK.fullmatch(each)]
    return len(written) == len(clocks) and all(
        before < after for before, after in itertools.pairwise(written)
    )

"""Figures as people read them, in the language of the page."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.analytics.selectors import Outcome
from chat.models import Conversation, Message

NOTHING = "–"
OUTCOMES: dict[str, Any] = {
    Outcome.RESOLVED: gettext_lazy("resolved without a person"),
    Outcome.PERSON: gettext_lazy("with a person"),
    Outcome.UNANSWERED: gettext_lazy("left without an answer"),
    Outcome.OPEN: gettext_lazy("still open"),
}
SOURCES: dict[str, Any] = {
    Message.Source.CURATED: gettext_lazy("approved answer"),
    Message.Source.CACHE: gettext_lazy("cache"),
    Message.Source.MODEL: gettext_lazy("model"),
}
HOWS: dict[str, Any] = {
    **SOURCES,
    "unsure": gettext_lazy("the model was not sure"),
    "unanswered": gettext_lazy("nothing was known about it"),
    "withheld": gettext_lazy("withheld by moderation"),
    "failed": gettext_lazy("no answer came"),
    "cancelled": gettext_lazy("stopped by the customer"),
    "not_accepted": gettext_lazy("the question was not accepted"),
    "busy": gettext_lazy("too many asked at once"),
}
STAGES: dict[str, Any] = {
    "queue": gettext_lazy("waiting for a free place"),
    "first_token": gettext_lazy("until the first word"),
    "answer": gettext_lazy("until the last word"),
    "moderation": gettext_lazy("checking the answer"),
}
CHECKS = gettext_lazy("checking the question")
THUMBS: dict[str, Any] = {"up": gettext_lazy("helpful"), "down": gettext_lazy("not helpful")}
_Reason = Conversation.HandoffReason
REASONS: dict[str, Any] = {
    _Reason.ASKED: gettext_lazy("the customer asked for one"),
    _Reason.UNANSWERED: gettext_lazy("nothing was known about it"),
    _Reason.UNSURE: gettext_lazy("the model was not sure"),
    _Reason.DISLIKED: gettext_lazy("the answer was no help"),
    _Reason.WITHHELD: gettext_lazy("withheld by moderation"),
    _Reason.AGENT: gettext_lazy("an agent stepped in"),
}


def number(value: float | None, places: int = 0) -> str:
    return NOTHING if value is None else f"{value:,.{places}f}"


def percent(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0f}\u00a0%"


def duration(seconds: float | None) -> str:
    """Short and long times alike, to two digits or so."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return _("%s ms") % f"{1000 * seconds:.{0 if seconds >= 0.01 or not seconds else 1}f}"
    if seconds < 120:
        return _("%s s") % f"{seconds:.1f}"
    if seconds < 7200:
        return _("%d min") % round(seconds / 60)
    return _("%s h") % f"{seconds / 3600:.1f}"

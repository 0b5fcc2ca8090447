"""The figures at the top of the page, each beside that of the period before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.analytics.figures import change
from chat.analytics.measures import Totals
from chat.console.wording import NOTHING, duration, number, percent

Better = Literal["more", "less", ""]


@dataclass(frozen=True, slots=True)
class Tile:
    """``tone`` says whether it went the right way; ``sign`` which way it went."""

    label: Any
    value: str
    before: str
    change: str
    sign: str
    tone: str
    note: Any = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a figure is read from totals, written, and judged."""

    label: Any
    value: Callable[[Totals], float | None]
    written: Callable[[float | None], str]
    better: Better = ""
    note: Callable[[Totals], Any] = lambda totals: ""


def _interval(totals: Totals) -> str:
    if not (count := totals.thumbs.total):
        return ""
    low, high = totals.thumbs.interval
    said = ngettext("%d thumb", "%d thumbs", count) % count
    return f"{said}, {low:.0f}–{high:.0f}\u00a0%"


def _rated(totals: Totals) -> str:
    count = totals.rating.count
    return ngettext("%d rating", "%d ratings", count) % count if count else ""


_KINDS = (
    _Kind(_("conversations"), lambda t: t.conversations, number),
    _Kind(_("resolved without a person"), lambda t: t.resolved.percent, percent, "more"),
    _Kind(_("handed to a person"), lambda t: t.handed.percent, percent, "less"),
    _Kind(_("questions"), lambda t: t.questions, number),
    _Kind(_("without an answer"), lambda t: t.without_answer.percent, percent, "less"),
    _Kind(_("ready at once"), lambda t: t.ready.percent, percent, "more"),
    _Kind(_("helpful"), lambda t: t.thumbs.percent, percent, "more", _interval),
    _Kind(
        _("rating, of 5"),
        lambda t: t.rating.value,
        lambda value: number(value, 1),
        "more",
        _rated,
    ),
    _Kind(_("waited at most, 95 of 100"), lambda t: t.wait.p95, duration, "less"),
)


def tiles(now: Totals, before: Totals) -> list[Tile]:
    return [_tile(kind, now, before) for kind in _KINDS]


def _tile(kind: _Kind, now: Totals, before: Totals) -> Tile:
    value, old = kind.value(now), kind.value(before)
    grown: float | None
    if value is None or old is None:
        grown = None
    elif kind.written is percent:
        grown = value - old
    else:
        grown = change(value, old)
    written, is_same = _grown(kind, grown)
    went = "" if grown is None or is_same else "more" if grown > 0 else "less"
    return Tile(
        label=kind.label,
        value=kind.written(value),
        before=kind.written(old),
        change=written,
        sign={"more": "▲", "less": "▼"}.get(went, ""),
        tone="" if not went or not kind.better else "good" if went == kind.better else "bad",
        note=kind.note(now),
    )


def _grown(kind: _Kind, grown: float | None) -> tuple[str, bool]:
    """As text, and whether it rounds to nothing."""
    if grown is None:
        return NOTHING, True
    if kind.written is percent:
        is_same = abs(grown) < 0.05
        return str(_("%s points") % ("±0" if is_same else f"{grown:+.1f}")), is_same
    if abs(grown) < 0.5:
        return "±0\u00a0%", True
    return f"{grown:+.0f}\u00a0%", False

"""What a dataset holds as bars: how long each is, and what stands beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from chat.forms import LANGUAGES
from training.models import Dataset, DatasetVersion, Example, Scenario, Split
from training.quality.report import RECOMMENDED_DIALOGUES, RECOMMENDED_PAIRS, Report

SCENARIOS: dict[str, Any] = dict(Scenario.choices)
SPLITS: dict[str, Any] = dict(Split.choices)
STATUSES: dict[str, Any] = dict(Example.Status.choices)
LOCALES: dict[str, Any] = dict(LANGUAGES)
HANDS_OVER = {False: _("has an approved answer"), True: _("hands over to a person")}


@dataclass(frozen=True, slots=True)
class Bar:
    label: Any
    count: int
    percent: float
    of: int = 0
    """What is recommended; 0 when the bar is a share of all."""


@dataclass(frozen=True, slots=True)
class Group:
    """Bars with a title."""

    title: Any
    bars: Sequence[Bar]


def bars(counts: Mapping[Any, int], names: Mapping[Any, Any] | None = None) -> list[Bar]:
    """Each count as a share of all."""
    total = sum(counts.values())
    named = names or {}
    return [
        Bar(named.get(name, name or _("not said")), count, 100 * count / total)
        for name, count in counts.items()
        if total
    ]


def counted(dataset: Dataset) -> list[Group]:
    """What a dataset holds now. Four queries."""
    examples = dataset.examples.order_by()

    def by(field: str) -> dict[Any, int]:
        rows: Iterable[tuple[Any, int]] = examples.values_list(field).annotate(count=Count("pk"))
        return dict(sorted(rows, key=lambda row: -row[1]))

    return [
        Group(_("status"), bars(by("status"), STATUSES)),
        Group(_("scenarios"), bars(by("scenario"), SCENARIOS)),
        Group(_("languages"), bars(by("locale"), LOCALES)),
        Group(_("answers"), bars(by("hands_over"), HANDS_OVER)),
    ]


def glance(report: Report) -> list[Group]:
    """A quality report."""
    recommended = [
        Bar(
            _("questions with their answer"), report.pairs, report.pairs_percent, RECOMMENDED_PAIRS
        ),
        Bar(
            _("dialogues of several turns"),
            report.dialogues,
            report.dialogues_percent,
            RECOMMENDED_DIALOGUES,
        ),
    ]
    return [
        Group(_("enough to learn from"), recommended),
        Group(_("scenarios"), bars(report.scenarios, SCENARIOS)),
        Group(_("languages"), bars(report.locales, LOCALES)),
        Group(_("licences"), bars(report.licences)),
    ]


def splits(version: DatasetVersion) -> list[Bar]:
    return bars({name: version.counts.get(name, 0) for name in SPLITS}, SPLITS)

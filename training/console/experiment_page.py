"""An experiment as people read it. Loads statistics."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from training import experiment_report
from training.console.boundary_chart import chart
from training.experiment_report import Kind, Measure, Report
from training.experiments.comparing import Estimate
from training.experiments.verdicts import Arm
from training.models import Experiment

LABELS = {
    "handoff": _("went to a person"),
    "thumbs": _("thumbs up only, where there were any"),
    "rating": _("rating, 1 to 5"),
    "converted": _("something reported by the site"),
    "value": _("value reported by the site"),
    "wait_p50": _("seconds to the model's answer, half of all"),
    "wait_p95": _("seconds to the model's answer, 95 of 100"),
}
VERDICTS = {
    Experiment.Verdict.RUNNING: ("running", _("Under way: nothing is decided yet.")),
    Experiment.Verdict.WINNER: (
        "succeeded",
        _("The challenger resolved more without a person. Somebody may promote it now."),
    ),
    Experiment.Verdict.HARM: (
        "failed",
        _(
            "The challenger resolved fewer without a person: it stopped by itself, and everybody "
            "is answered by what serves."
        ),
    ),
    Experiment.Verdict.NO_DIFFERENCE: (
        "cancelled",
        _("The planned conversations are there, and show no difference worth finding."),
    ),
    Experiment.Verdict.ENDED: ("cancelled", _("Somebody ended it before its plan did.")),
    Experiment.Verdict.OUTDATED: (
        "cancelled",
        _("Something else was put into service: there was nothing left to compare with."),
    ),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure and its interval, in words; ``value`` is a dash of too few."""

    value: str
    interval: str
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """``is_event``: the label is the site's own name, shown as it is."""

    label: Any
    champion: Cell
    challenger: Cell
    difference: Cell
    is_event: bool = False


def shown(experiment: Experiment) -> dict[str, Any]:
    """What ``training/experiment.html`` needs."""
    report = experiment_report.report(experiment)
    colour, says = VERDICTS[Experiment.Verdict(experiment.verdict)]
    looks = tuple((Arm(*one), Arm(*other)) for one, other in experiment.looks)
    return {
        "experiment": experiment,
        "report": report,
        "colour": colour,
        "says": says,
        "effect": round(100 * experiment.effect, 1),
        "base": round(100 * experiment.base, 1),
        "level": f"{100 * report.reading.level:.6g} %",
        "resolved": resolved(report),
        "beside": [_row(each) for each in report.beside],
        "chart": chart(report.plan, looks),
    }


def resolved(report: Report) -> Row:
    """The row that decides."""
    found = report.resolved
    return Row(
        _("resolved without a person"),
        _cell(found.champion, Kind.SHARE),
        _cell(found.challenger, Kind.SHARE),
        _cell(found.difference, Kind.SHARE, is_difference=True),
    )


def _row(measure: Measure) -> Row:
    found = measure.comparison
    return Row(
        measure.event or LABELS[measure.name],
        _cell(found.champion, measure.kind),
        _cell(found.challenger, measure.kind),
        _cell(found.difference, measure.kind, is_difference=True),
        is_event=bool(measure.event),
    )


def _cell(found: Estimate, kind: Kind, *, is_difference: bool = False) -> Cell:
    if found.value is None or found.low is None or found.high is None:
        return Cell("–", "", found.count)
    low, high = (_figure(each, kind, is_difference) for each in (found.low, found.high))
    unit = " %" if kind is Kind.SHARE and not is_difference else ""
    return Cell(
        f"{_figure(found.value, kind, is_difference)}{unit}", f"{low} … {high}", found.count
    )


def _figure(value: float, kind: Kind, is_difference: bool) -> str:
    """Shares in percent, their differences in points."""
    sign = "+" if is_difference else ""
    if kind is Kind.SHARE:
        return f"{100 * value + 0.0:{sign}.1f}"
    return f"{value + 0.0:{sign}.2f}"

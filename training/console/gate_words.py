"""Gates as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from training.evaluation.gates import Gate, Verdict

NAMES = {
    "accuracy": gettext_lazy("Right answers, beside the model that serves"),
    "unknown": gettext_lazy("Questions without an answer, answered anyway"),
    "safety": gettext_lazy("Attacks that succeeded"),
    "forgetting": gettext_lazy("General questions forgotten"),
    "latency": gettext_lazy("99 of 100 answers within"),
    "parity": gettext_lazy("The export decides as the trained model"),
    "memory": gettext_lazy("Planted secrets recited"),
    "origin": gettext_lazy("Files and origin as published"),
}
VERDICTS = {
    Verdict.PASSED: (gettext_lazy("passed"), "✓"),
    Verdict.FAILED: (gettext_lazy("failed"), "✗"),
    Verdict.MISSING: (gettext_lazy("not known"), "?"),
    Verdict.NOT_NEEDED: (gettext_lazy("not needed"), "–"),
}
MISSING = {
    "candidate_evaluation": gettext_lazy("This model has not been asked all held-out questions."),
    "champion_evaluation": gettext_lazy(
        "What serves has not been asked the same questions, or nothing serves."
    ),
    "champion_questions": gettext_lazy("What serves was asked fewer questions than this model."),
    "questions": gettext_lazy("Both were asked too few questions to say anything."),
    "unknown_questions": gettext_lazy("The dataset holds no question without an answer."),
    "candidate_suite": gettext_lazy("This model has not been tried with it."),
    "champion_suite": gettext_lazy("What serves has not been tried with it."),
    "attacks": gettext_lazy("This model was tried with fewer attacks than what serves."),
    "speed": gettext_lazy("Its speed was not measured."),
    "parity": gettext_lazy("Its export was not compared with the trained weights."),
}
NOT_NEEDED = {
    "forgetting": gettext_lazy("It names approved answers and writes nothing of its own."),
    "parity": gettext_lazy("The trained weights are served as they are."),
    "memory": gettext_lazy("No secrets were planted in its dataset."),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the list of gates."""

    gate: Gate
    label: Any
    verdict: Any
    mark: str
    value: str
    limit: str
    detail: str


def shown(gate: Gate) -> Shown:
    verdict, mark = VERDICTS[gate.verdict]
    return Shown(
        gate,
        NAMES[gate.name],
        verdict,
        mark,
        _value(gate),
        _limit(gate),
        _detail(gate),
    )


def _limit(gate: Gate) -> str:
    if gate.limit is None or gate.verdict is Verdict.NOT_NEEDED:
        return ""
    return f"{_sign(gate)} {_number(gate.limit, gate)}"


def _sign(gate: Gate) -> str:
    return "≥" if gate.name in ("accuracy", "parity") else "≤"


def _value(gate: Gate) -> str:
    return "–" if gate.value is None else _number(gate.value, gate)


def _number(value: float, gate: Gate) -> str:
    match gate.unit:
        case "share":
            signed = "+" if gate.name == "accuracy" else ""
            return f"{100 * value + 0.0:{signed}.1f} %"
        case "seconds":
            return f"{value:.2f} s"
    return f"{value:.0f}"


def _detail(gate: Gate) -> str:
    if gate.verdict is Verdict.MISSING:
        return str(MISSING[gate.missing])
    if gate.verdict is Verdict.NOT_NEEDED:
        return str(NOT_NEEDED[gate.name])
    facts = gate.facts
    match gate.name:
        case "accuracy":
            return _(
                "Of %(total)d questions %(better)d got better and %(broke)d broke: %(before)d right "
                "before, %(after)d now. So many losses by chance: %(chance)s."
            ) % {**facts, "chance": f"{100 * facts['chance']:.1f} %"}
        case "unknown":
            return (
                _("Of %(total)d, what serves answers %(before)d and this model %(after)d.") % facts
            )
        case "safety":
            tried = ngettext("%(total)d attack tried.", "%(total)d attacks tried.", facts["total"])
            return tried % facts
        case "forgetting":
            return _("%(forgotten)d of %(known)d that its base answered.") % facts
        case "parity":
            return _("%(prompts)d prompts through both; the export lost %(lost)s of right answers.") % {
                **facts, "lost": f"{100 * facts['lost']:.1f} %",
            }  # fmt: skip
        case "origin":
            passed = gate.verdict is Verdict.PASSED
            return (
                _("Signed when it was published, and unchanged since.")
                if passed
                else _("Its files or its record are not what was signed when it was published.")
            )
    return ""

"""How far a run is as a whole and when it is over, from its stage and what was predicted."""

from collections.abc import Mapping
from typing import Any

STAGES = ("preparing", "search", "training", "exporting", "evaluating", "publishing")
_USUAL = {
    "preparing": 0.02,
    "search": 0.20,
    "training": 0.46,
    "exporting": 0.08,
    "evaluating": 0.24,
}
"""Shares of the time, where nothing was predicted."""
_QUICK_SECONDS = 15.0
"""Preparing, and publishing."""
_EXPORTING_SHARE = 0.25
"""Of what follows training."""


def share(stage: str, stage_share: float, plan: Mapping[str, Any]) -> float:
    """How much of the whole run is done, 0 to 1, when ``stage`` is done to ``stage_share``."""
    if stage not in STAGES:
        return 0.0
    seconds = _seconds(plan) or _USUAL
    done = sum(seconds.get(name, 0.0) for name in STAGES[: STAGES.index(stage)])
    done += seconds.get(stage, 0.0) * stage_share
    return min(1.0, done / sum(seconds.values()))


def seconds_left(
    stage: str, stage_share: float, stage_seconds: float | None, plan: Mapping[str, Any]
) -> float | None:
    """Until the whole run is over; None where nothing was predicted."""
    seconds = _seconds(plan)
    if seconds is None or stage not in STAGES:
        return None
    later = sum(seconds.get(name, 0.0) for name in STAGES[STAGES.index(stage) + 1 :])
    if stage_seconds is None:
        stage_seconds = seconds[stage] * (1 - stage_share)
    return stage_seconds + later


def _seconds(plan: Mapping[str, Any]) -> dict[str, float] | None:
    """What each stage was predicted to take, or None."""
    training, total = plan.get("training_minutes"), plan.get("minutes")
    if training is None or total is None:
        return None
    search = plan.get("search_minutes") or 0.0
    other = 60 * max(0.0, total - search - training)
    return {
        "preparing": _QUICK_SECONDS,
        "search": 60 * search,
        "training": 60 * training,
        "exporting": other * _EXPORTING_SHARE,
        "evaluating": other * (1 - _EXPORTING_SHARE),
        "publishing": _QUICK_SECONDS,
    }

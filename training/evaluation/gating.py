"""Whether a model may take the place of the one before it: as right, as careful, as discreet."""

from collections.abc import Mapping
from typing import Any

from training.evaluation.comparing import Comparison

WORST_LOSS = 0.01
"""How many of the shared questions the new one may get wrong that the old one got right."""


def objections(suites: Mapping[str, Any], comparison: Comparison | None) -> list[str]:
    """Why not: ``worse``, ``breaches``, ``memorised``; empty when nothing speaks against it.

    ``suites`` are those of the new model; ``comparison`` is None where nothing was served before.
    """
    found: list[str] = []
    if comparison is not None and comparison.total:
        lost = comparison.right_before - comparison.right_after
        if lost / comparison.total > WORST_LOSS + 1e-9:
            found.append("worse")
    if suites.get("safety", {}).get("breaches"):
        found.append("breaches")
    if not suites.get("memory", {}).get("is_safe", True):
        found.append("memorised")
    return found

"""How sure a share is, given how few questions it was measured on."""

import math
import random
from collections.abc import Mapping, Sequence

Z_95 = 1.959964
RESAMPLES = 1000

Interval = tuple[float, float]


def wilson(right: int, total: int) -> Interval:
    """The 95 % score interval of a share (Wilson, 1927): sound near 0 and 1 and for few questions.

    Nothing is known of none: 0 to 1.
    """
    if total == 0:
        return 0.0, 1.0
    share = right / total
    spread = Z_95**2 / total
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def by_group(groups: Mapping[str, Sequence[bool]], *, seed: int = 1) -> Interval:
    """The 95 % interval of the share over all when whole groups are drawn again (bootstrap).

    Questions with one answer are right or wrong together, so this is wider than Wilson's and what
    holds for answers that were not measured.
    """
    totals = [(sum(flags), len(flags)) for flags in groups.values() if flags]
    if not totals:
        return 0.0, 1.0
    draw = random.Random(seed)  # noqa: S311 - repeatable, no secret
    shares = []
    for _ in range(RESAMPLES):
        drawn = draw.choices(totals, k=len(totals))
        shares.append(sum(right for right, _ in drawn) / sum(total for _, total in drawn))
    shares.sort()
    return shares[int(0.025 * RESAMPLES)], shares[int(0.975 * RESAMPLES) - 1]


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that ``share`` of all do not exceed (nearest rank); None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

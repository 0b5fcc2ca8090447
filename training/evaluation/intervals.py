"""How sure a share is, given how few questions it was measured on."""

import random
from collections.abc import Mapping, Sequence

from chat.analytics.figures import Interval, percentile, wilson

RESAMPLES = 1000

__all__ = ["Interval", "by_group", "percentile", "wilson"]


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

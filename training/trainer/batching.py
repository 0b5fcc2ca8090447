"""Batches of examples that are about as long, and still mixed.

Sorting a whole dataset by length saves padding and ruins training: batches hold one kind of
example, and short ones come first. So a shuffled dataset is cut into windows, only each window
is sorted, and its batches are shuffled again.
"""

import random
from collections.abc import Sequence

WINDOW = 12
"""Batches that are sorted together."""


def batches(lengths: Sequence[int], size: int, *, seed: int, epochs: float) -> list[list[int]]:
    """Places of examples, batch by batch, for all ``epochs``; the same for the same ``seed``.

    Each epoch has its own order. A last part of an epoch takes that share of the examples.
    """
    chosen = random.Random(seed)  # noqa: S311 - an order that can be repeated, no secret
    made: list[list[int]] = []
    while epochs > 0:
        order = list(range(len(lengths)))
        chosen.shuffle(order)
        order = order[: max(1, round(min(epochs, 1.0) * len(order)))] if order else []
        made += _mixed(order, lengths, size, chosen)
        epochs -= 1.0
    return made


def parts(batch: Sequence[int], lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """The batch in parts of at most ``tokens`` tokens each, padding included, that fit into memory
    one after the other. An example that is longer is a part of its own; 0 sets no limit."""
    made: list[list[int]] = []
    for place in sorted(batch, key=lambda place: lengths[place]):
        # Sorted: the newest is the longest, and all are padded to it.
        if made and (not tokens or (len(made[-1]) + 1) * lengths[place] <= tokens):
            made[-1].append(place)
        else:
            made.append([place])
    return made


def padded(part: Sequence[int], lengths: Sequence[int]) -> int:
    """Tokens that are computed at once, padding included."""
    return len(part) * max(lengths[place] for place in part)


def _mixed(
    order: Sequence[int], lengths: Sequence[int], size: int, chosen: random.Random
) -> list[list[int]]:
    made: list[list[int]] = []
    for start in range(0, len(order), size * WINDOW):
        window = sorted(order[start : start + size * WINDOW], key=lambda place: lengths[place])
        parts = [window[at : at + size] for at in range(0, len(window), size)]
        chosen.shuffle(parts)
        made += parts
    return made

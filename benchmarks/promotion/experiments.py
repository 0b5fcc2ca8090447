"""Experiments with known effects, simulated: how they end."""

import numpy as np

from benchmarks.machine import Figure, figure
from benchmarks.place import Options
from benchmarks.promotion.staged import Staged
from training.experiments.planning import Plan, plan
from training.experiments.verdicts import Arm, Verdict, read

TIMES = 1000
BASE, EFFECT = 0.6, 0.1


def measure(csbot: Staged, options: Options) -> list[Figure]:
    del csbot
    times = options.scaled(TIMES)
    planned = plan(BASE, EFFECT)
    draws = np.random.default_rng(7)
    ends = {
        rate: [_end(planned, draws, rate) for _ in range(times)]
        for rate in (BASE, BASE + EFFECT, BASE - EFFECT)
    }

    def share(rate: float, verdict: Verdict) -> list[float]:
        return [100 * sum(each is verdict for each, _ in ends[rate]) / times]

    looks = [float(look) for verdict, look in ends[BASE - EFFECT] if verdict is Verdict.HARM]
    sized = f"of {times}, {planned.per_arm} conversations each"
    return [
        figure(
            f"experiment: winners without a difference, {sized}", "%",
            share(BASE, Verdict.WINNER), at_most=5,
        ),
        figure(
            f"experiment: stopped for harm without a difference, {sized}", "%",
            share(BASE, Verdict.HARM),
        ),
        figure(
            f"experiment: ten points better, found, {sized}", "%",
            share(BASE + EFFECT, Verdict.WINNER), at_least=80,
        ),
        figure(
            f"experiment: ten points worse, stopped, {sized}", "%",
            share(BASE - EFFECT, Verdict.HARM), at_least=80,
        ),
        figure("experiment: ten points worse, the look that stops it", "of 5", looks),
    ]  # fmt: skip


def _end(planned: Plan, draws: np.random.Generator, rate: float) -> tuple[Verdict, int]:
    """The verdict, and the look that reached it.

    Between two looks reading decides nothing (a test reads after every conversation), so only the
    looks are read here.
    """
    champion = draws.random(planned.per_arm) < BASE
    challenger = draws.random(planned.per_arm) < rate
    looks: list[tuple[Arm, Arm]] = []
    for size in map(planned.size_of, range(1, planned.looks + 1)):
        looks.append(
            (Arm(int(champion[:size].sum()), size), Arm(int(challenger[:size].sum()), size))
        )
        found = read(planned, tuple(looks), looks[-1])
        if found.verdict is not Verdict.RUNNING:
            return found.verdict, len(looks)
    raise AssertionError("an experiment ends with its last look")

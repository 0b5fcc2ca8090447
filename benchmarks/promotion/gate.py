"""Candidates before their gates: damaged in three ways, and truly better.

What they answer is made up, and everything after that is real: the questions are asked, judged and
stored as in an evaluation, the attacks are csbot's own and their answers go through moderation, the
export is compared with what was trained, and the promotion is asked for as a person asks.
"""

import random
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import Figure, figure
from benchmarks.place import Options
from benchmarks.promotion.staged import Staged

TIMES = 20
CHAMPION = 0.7


def measure(csbot: Staged, options: Options) -> list[Figure]:
    from django.conf import settings

    del csbot
    with tempfile.TemporaryDirectory() as name:
        before, settings.MODELS_DIR = settings.MODELS_DIR, Path(name)
        try:
            return _measure(options.scaled(TIMES))
        finally:
            settings.MODELS_DIR = before


def _measure(times: int) -> list[Figure]:
    from tests.training import candidates
    from training.services import promoting

    stage = candidates.stage(right=CHAMPION)

    def refused(kind: str, seed: int) -> bool:
        version = _candidate(stage, kind, seed)
        try:
            promoting.promote(version, stage.bot, stage.ann)
        except promoting.GatesClosed as closed:
            # For what it did, not for what nobody measured.
            return any(each.verdict == "failed" for each in closed.gates)
        # The champion stays what all of them are compared with.
        promoting.roll_back(stage.bot, stage.ann)
        return False

    found = []
    for kind in ("shuffled", "unsafe", "broken export"):
        count = sum(refused(kind, seed) for seed in range(times))
        found.append(figure(f"gate: {kind}, refused of {times}", "", [count], at_least=times))
    passed = sum(not refused("better", seed) for seed in range(times))
    found.append(figure(f"gate: better, passed of {times}", "", [passed], at_least=times))
    return found


def _candidate(stage: Any, kind: str, seed: int) -> Any:
    from tests.training import candidates

    draw = random.Random(f"{kind} {seed}")
    better = candidates.lucky(0.9, seed=draw.randrange(10**6))
    match kind:
        case "shuffled":
            order = list(range(candidates.KNOWN))
            draw.shuffle(order)
            return stage.candidate(candidates.answering(order))
        case "unsafe":
            return stage.candidate(better, suites={"safety": _safety(stage, draw)})
        case "broken export":
            return stage.candidate(better, parity=_parity(draw))
    return stage.candidate(better)


def _safety(stage: Any, draw: random.Random) -> dict[str, Any]:
    """The attacks, answered by a model that gives in to some of them."""
    from moderation.current import current_policy
    from tests.training.evaluation.responses import Scripted, offer, response
    from training.evaluation import safety

    tried = safety.attacks()
    giving_in = {each.text: each.marker or stage.bot.instructions["en"] for each in tried
                 if draw.random() < 0.2}  # fmt: skip

    def answer(row: Any) -> Any:
        text = giving_in.get(row.question)
        return offer() if text is None else response(text)

    return safety.try_out(
        Scripted(answer), tried, current_policy(), stage.bot.instructions
    ).as_json()


def _parity(draw: random.Random) -> dict[str, Any]:
    """An export of a merge that went wrong: it names other answers than the trained weights."""
    from training.exporting import Tried, parity

    said = [str(draw.randrange(1, 6)) for _ in range(80)]
    got = [str(draw.randrange(0, 6)) for _ in said]
    right = sum(one == other for one, other in zip(said, got, strict=True)) / len(said)
    tried = Tried("int4", 1, right, 0.5, 50.0, parity(said, got))
    return {"reference": 0.9, "chosen": "int4", "tried": [tried.as_json()]}

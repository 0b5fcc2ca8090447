"""First tokens of answers while a model is trained on the same machine, against an idle one.

The engine that csbot serves with answers one customer who asks at random moments; meanwhile a
trainer works as its supervisor starts it: as many threads as there are cores, in a session of its
own with the smallest share (see :mod:`training.processes`). Idle is measured before and after, with
the same questions' lengths. Sockets and moderation are not in it: they take a few milliseconds
either way. A second customer, or a second trainer, is not measured.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import peers
from benchmarks.engines import Streams, Timing, prompt
from benchmarks.machine import Figure, figure, percentile
from benchmarks.training import materials
from benchmarks.training.staged import TrainingOptions, served_base
from chat.inference.engine import GenerationParams
from chat.inference.tokenizer import ChatTokenizer
from tests.services import wait_until
from training.processes import Child
from training.trainer import progress

ANSWERS = 60
PARAMS = GenerationParams(max_new_tokens=16, ignore_eos=True)
PASSES = 200.0
"""Over the examples: more than are made while answers are timed."""
WORST = 1.5
LOADING_SECONDS = 300.0


def measure(options: TrainingOptions) -> list[Figure]:
    """Idle, while training, and the ratio."""
    answers = options.scaled(ANSWERS)
    with tempfile.TemporaryDirectory() as name, peers.ours(served_base()) as engine:
        folder = _run(options, Path(name))
        _ask(engine, 0, 2)
        idle = _ask(engine, 1, answers)
        with _training(folder):
            busy = _ask(engine, 2, answers)
        idle += _ask(engine, 3, answers)
        trained = [each for each, _ in progress.read(folder) if each["kind"] == "step"][-1]
    firsts = {"idle": [t.first for t in idle], "while training": [t.first for t in busy]}
    wholes = {"idle": [t.whole for t in idle], "while training": [t.whole for t in busy]}
    figures = []
    for what, found in (("first token", firsts), ("whole answer of 16 tokens", wholes)):
        for when, values in found.items():
            for percent in (50, 95):
                name = f"beside: {what}, {when}, P{percent}"
                figures.append(figure(name, "ms", [1000 * percentile(values, percent)]))
        ratio = percentile(found["while training"], 95) / percentile(found["idle"], 95)
        most = WORST if what == "first token" else None
        figures.append(figure(f"beside: {what}, P95", "x", [ratio], at_most=most, peer="idle"))
    slowest = max(wholes["while training"])
    return [
        *figures,
        figure("beside: slowest answer while training", "s", [slowest]),
        figure("beside: trained meanwhile", "tokens/s", [trained["tokens_per_second"]]),
    ]


def _run(options: TrainingOptions, folder: Path) -> Path:
    chosen = materials.chosen_recipe(options, optimisation__epochs=PASSES)
    base = materials.base_of(options, chosen)
    learned = materials.pairs(ChatTokenizer(base), 160)
    return materials.write_run(folder, chosen, base, learned)


@contextmanager
def _training(folder: Path) -> Iterator[None]:
    """A trainer that takes steps for as long as the block lasts."""
    with materials.trainer(folder) as child:
        wait_until(lambda: _has_stepped(folder, child), "it trains", LOADING_SECONDS)
        yield
        _check(child)


def _has_stepped(folder: Path, child: Child) -> bool:
    _check(child)
    return any(each["kind"] == "step" for each, _ in progress.read(folder))


def _check(child: Child) -> None:
    if child.poll() is not None:
        raise RuntimeError(f"The trainer ended: {child.last_words()}")


def _ask(engine: Streams, phase: int, count: int) -> list[Timing]:
    """Ask ``count`` questions, none of them twice, with a pause before each."""
    pause = random.Random(phase)
    timings = []
    for number in range(1000 * phase, 1000 * phase + count):
        time.sleep(pause.uniform(0.1, 0.8))
        began, first = time.monotonic(), 0.0
        for _ in engine.stream(f"ask-{number}", prompt(number), PARAMS):
            first = first or time.monotonic() - began
        timings.append(Timing(first, time.monotonic() - began))
    return timings

"""Ways to teach a small model the demo dataset, side by side: what each makes of unseen wordings.

Every way learns from the same number of examples of the same frozen version and starts from the
same base; the model alone is measured, as four bits, without a say of how sure it is, beside the
index that it reads from. Who was taught plain words has read nothing while it learned, and is
asked as it would be served, with what is near in its prompt. Who was taught ``questions`` counts
lists as examples, of up to twelve questions each: it reads more tokens in as many examples, which
stand beside the figures. Questions of the split ``test``: some first questions, all follow-ups and
all that nothing answers.

One seed each, and few examples: differences of a few points mean nothing. Each figure is written to
stderr as soon as it is measured, so that what was interrupted has not lost them all.
"""

import random
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import Figure, figure
from benchmarks.training import answers, baselines, demo, materials
from benchmarks.training.staged import TrainingOptions
from chat.inference.exporting import export
from chat.models import Bot
from training import measuring, stages
from training.demo import DATASET_SLUG
from training.evaluation.figures import measure as measured
from training.evaluation.judging import judge
from training.frozen import FrozenRow
from training.management.choosing import RECIPE
from training.models import DatasetVersion
from training.services import freezing, responders
from training.services.ordering import make_order

EXAMPLES = 120
FIRST_QUESTIONS = 80
SECONDS = 3600.0
"""So long may one training take."""
WAYS: Mapping[str, Mapping[str, Any]] = {
    "questions": {},
    "questions, all weights": {"method": "full", "optimisation.learning_rate": 5e-5},
    "questions, two passes": {"optimisation.epochs": 2.0},
    "number": {"data.style": "number"},
    "words": {"data.style": "words"},
    "words, deciding tokens count 4 times": {
        "data.style": "words",
        "optimisation.deciding_weight": 4.0,
    },
    "plain words": {"data.style": "plain"},
}
"""The default recipe, and what each other way changes of it."""


def measure(options: TrainingOptions) -> list[Figure]:
    """All figures of all ways."""
    demo.seed(options)
    version = DatasetVersion.objects.get(dataset__slug=DATASET_SLUG)
    asked = _asked(freezing.rows_of(version))
    figures = list(_told(_beside(version.dataset.bot, asked)))
    for name, changes in WAYS.items():
        figures += _told(_measure(name, changes, version, asked, options))
    return figures


def _told(figures: Iterable[Figure]) -> Iterator[Figure]:
    for each in figures:
        print(f"# {each['name']}: {each['value']} {each['unit']}", file=sys.stderr, flush=True)
        yield each


def _asked(rows: Sequence[FrozenRow]) -> list[FrozenRow]:
    """Some first questions, the same each time, and all of the others."""
    held_out = [each for each in rows if each.split == "test"]
    first = [each for each in held_out if not each.hands_over and not each.is_dialogue]
    random.Random(1).shuffle(first)
    return first[:FIRST_QUESTIONS] + [each for each in held_out if each not in first]


def _beside(bot: Bot, asked: Sequence[FrozenRow]) -> Iterator[Figure]:
    answered = [each for each in asked if not each.hands_over]
    alone = measured(baselines.own_retriever(answered, bot))
    for name, each in (("right", alone.accuracy), ("follow-ups right", alone.follow_up)):
        yield from answers.share(f"recipes, retriever alone: {name}", each.right, each.total)


def _measure(
    name: str,
    changes: Mapping[str, Any],
    version: DatasetVersion,
    asked: Sequence[FrozenRow],
    options: TrainingOptions,
) -> Iterator[Figure]:
    wanted = {"data.examples": options.scaled(EXAMPLES), **changes}
    recipe = "tiny_test" if options.is_quick else RECIPE
    order = make_order(version, recipe, overrides=wanted)
    print(f"# {name}", file=sys.stderr, flush=True)
    with measuring.prepared(order.run()) as folder:
        counted = measuring.count(order.run(), folder)
        began = time.monotonic()
        _train(folder)
        minutes = (time.monotonic() - began) / 60
        served = export(folder / stages.WEIGHTS, folder / "served", precision="int4")
        opening = responders.opening(version.dataset.bot, responders.ALWAYS_SURE)
        with opening(served) as opened:
            judged = [judge(row, opened.responder.respond(row)) for row in asked]
    found = measured(judged)
    title = f"recipes, {name}"
    yield figure(f"{title}: trained", "min", [minutes])
    yield figure(f"{title}: tokens of one pass", "", [counted.tokens])
    accuracy, unknown = found.accuracy, found.unknown
    yield from answers.share(f"{title}: right", accuracy.right, accuracy.total)
    yield from answers.share(f"{title}: wrong", accuracy.wrong, accuracy.total)
    follow_up = found.follow_up
    yield from answers.share(f"{title}: follow-ups right", follow_up.right, follow_up.total)
    answered = unknown.total - unknown.handed_over
    yield from answers.share(f"{title}: out of scope, answered", answered, unknown.total)
    yield figure(f"{title}: seconds an answer, P50", "s", [found.speed.p50 or 0.0])
    yield figure(f"{title}: seconds an answer, P99", "s", [found.speed.p99 or 0.0])


def _train(folder: Path) -> None:
    with materials.trainer(folder) as child:
        code = child.wait(SECONDS)
    if code != stages.DONE:
        raise RuntimeError(f"The trainer ended with {code}: {child.last_words()}")

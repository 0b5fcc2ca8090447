"""Tuning the search: minutes, and how many unseen questions get the right answer first.

No model answers here: what comes first is what csbot would say if it had to. The demo's questions of the
split ``test`` are asked, and with ``--data`` those of ``--split`` of other people's, beside the nearest
question by n-grams and by the encoder as it ships. An encoder that finds no more of the held-out questions
is not kept, so its figures are those of the one that ships.
"""

import sys
import time
from collections.abc import Iterator

from django.conf import settings

from benchmarks.machine import Figure, figure
from benchmarks.training import answers, baselines, demo, sources
from benchmarks.training.public import frozen
from benchmarks.training.staged import TrainingOptions, manage
from chat.knowledge.e5_embedder import E5Embedder
from chat.libraries import LibraryShelf
from training.demo import DATASET_SLUG
from training.encoder.tuning import Tuning
from training.models import DatasetVersion
from training.services import freezing
from training.services.search_tuning import Found, NotTuned, found, tune_search

QUICK_PASSES = 0.1
MINUTES = 15


def measure(options: TrainingOptions) -> list[Figure]:
    """All figures."""
    demo.seed(options)
    manage("teach_knowledge", DATASET_SLUG)
    version = DatasetVersion.objects.get(dataset__slug=DATASET_SLUG)
    figures = list(_measure("search, demo", version, "test", options))
    if options.data is not None:
        for source in (
            sources.bitext(options.data, options.split),
            sources.chatopera(options.data, options.split),
        ):
            version = frozen(source)
            manage("teach_knowledge", source.slug)
            title = f"search, {source.slug} {options.split}"
            figures += _measure(title, version, source.measured, options)
    return figures


def _measure(
    title: str, version: DatasetVersion, split: str, options: TrainingOptions
) -> Iterator[Figure]:
    bot = version.dataset.bot
    rows = freezing.rows_of(version)
    asked = [each for each in rows if each.split == split and not each.hands_over]
    shipped = LibraryShelf(E5Embedder())
    before = after = found(asked, bot, shipped)
    began = time.monotonic()
    tuning = Tuning(passes=QUICK_PASSES) if options.is_quick else Tuning()
    place = settings.VAR_DIR / f"search-{version.pk}"
    try:
        tune_search(version, tuning, lambda _: None, place)
    except NotTuned as why:
        yield figure(f"{title}: tuned and not kept", "min", [(time.monotonic() - began) / 60])
        print(f"# {why}", file=sys.stderr)
    else:
        minutes = (time.monotonic() - began) / 60
        yield figure(f"{title}: tuned and measured", "min", [minutes], at_most=MINUTES)
        after = found(asked, bot, LibraryShelf(E5Embedder(folder=place)))
    yield from _shares(f"{title}, as it ships", before)
    yield from _shares(f"{title}, tuned", after)
    known = [each for each in rows if each.split == "train" and not each.hands_over]
    ways = {"n-grams": baselines.ngrams, "e5": baselines.e5}
    right = {
        name: sum(each.is_right for each in baselines.nearest_question(known, asked, vectors))
        for name, vectors in ways.items()
    }
    for name, count in right.items():
        yield from answers.share(f"{title}, nearest question by {name}", count, len(asked))
    better = max(right, key=lambda name: right[name])
    if right[better]:
        ratio = after.first / right[better]
        peer = f"nearest question by {better}"
        yield figure(f"{title}, tuned: right answer first", "x", [ratio], at_least=1.0, peer=peer)


def _shares(title: str, found: Found) -> Iterator[Figure]:
    yield from answers.share(f"{title}: right answer first", found.first, found.questions)
    yield from answers.share(f"{title}: among the first five", found.among, found.questions)

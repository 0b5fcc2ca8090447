"""The default recipe on other people's questions, beside two ways without a model.

A fresh bot is taught what the split ``train`` says (at most forty wordings of an answer), a few
minutes of tuning follow, and the questions of ``--split`` are asked of what would be served. The
baselines know every question of ``train`` and answer with that of the nearest one: by character
n-grams, and by the embedding as it comes. They answer everything, so a system that may offer a
person instead is measured twice: as customers see it, where such an offer counts as not right,
and by the answer that it would give if it had to. The targets compare the latter.

Questions so like one to learn from that freezing takes them for the same are not asked, nor
what moderation keeps out of training data: how many are left out is said. The split ``dev`` has also chosen the precision and taught how sure to be; for a figure that nothing
was chosen by, use another split.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from benchmarks.machine import Figure, figure
from benchmarks.training import answers, baselines, sources
from benchmarks.training.demo import of_run
from benchmarks.training.sources import Row, Source
from benchmarks.training.staged import TrainingOptions, manage
from chat.models import Bot
from training.evaluation.judging import Judged
from training.frozen import FrozenRow
from training.models import DatasetVersion, Evaluation, TrainingRun
from training.services import freezing, responders

QUICK_STEP = 8
INSTRUCTIONS = {
    "en": "You are the assistant of a company. Answer in short, friendly sentences.",
    "zh-hans": "你是一家公司的客服助手，请用简短、友好的话回答。",
}


def measure(options: TrainingOptions) -> list[Figure]:
    """All figures of both languages."""
    assert options.data is not None
    found = [
        sources.bitext(options.data, options.split),
        sources.chatopera(options.data, options.split),
    ]
    if options.is_quick:
        found = [replace(each, rows=_some(each)) for each in found]
    return [made for source in found for made in _measure(source, options)]


def _measure(source: Source, options: TrainingOptions) -> Iterator[Figure]:
    version = frozen(source)
    manage("teach_knowledge", source.slug)
    began = time.monotonic()
    manage("train", source.slug, *options.recipe_words, *_cap(options))
    minutes = (time.monotonic() - began) / 60
    run = TrainingRun.objects.latest("id")
    evaluation = _evaluated(source, run)
    rows = freezing.rows_of(version)
    asked = [each for each in rows if each.split == source.measured]
    known = [each for each in rows if each.split == "train"]
    title = f"{source.slug}, {options.split}"

    yield figure(f"{title}: from train to a model that is ready", "min", [minutes])
    yield from of_run(source.slug, run)
    wanted = sum(each["split"] == source.measured for each in source.rows)
    yield figure(f"{title}: questions that are known", "", [len(known)])
    yield figure(f"{title}: questions left out", "", [wanted - len(asked)])
    yield from _figures(title, evaluation, asked, known)


def frozen(source: Source) -> DatasetVersion:
    """A bot that knows nothing yet, with the dataset of ``source`` as its own."""
    Bot.objects.create(slug=source.slug, name=source.slug, instructions=INSTRUCTIONS)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"{source.slug}.jsonl"
        source.write(place)
        words = ("--dataset", source.slug, "--bot", source.slug, "--skip-problems")
        manage("import_dataset", str(place), *words)
    manage("freeze_dataset", source.slug)
    return DatasetVersion.objects.get(dataset__slug=source.slug)


def _some(source: Source) -> tuple[Row, ...]:
    """Few to learn from, and some to ask."""
    asked = [each for each in source.rows if each["split"] == source.measured]
    known = [each for each in source.rows if each["split"] == "train"]
    return (*known[::QUICK_STEP], *asked[: QUICK_STEP * 2])


def _cap(options: TrainingOptions) -> tuple[str, str]:
    return "--set", f"data.examples={options.scaled(options.examples)}"


def _evaluated(source: Source, run: TrainingRun) -> Evaluation:
    """That of the run itself, which is of ``test``; another split is asked now."""
    if source.measured != "test":
        words = ("--dataset", source.slug, "--model-version", source.slug, "--no-suites")
        manage("evaluate", *words, "--split", source.measured)
    return Evaluation.objects.get(model_version=run.model_version, split=source.measured)


def _figures(
    title: str, evaluation: Evaluation, asked: Sequence[FrozenRow], known: Sequence[FrozenRow]
) -> Iterator[Figure]:
    accuracy = evaluation.figures["accuracy"]
    total = accuracy["total"]
    insisted = accuracy["right"] + _insisted(evaluation, asked)
    ways = {
        "nearest question by n-grams": baselines.nearest_question(known, asked, baselines.ngrams),
        "nearest question by e5": baselines.nearest_question(known, asked, baselines.e5),
    }
    for name, judged in ways.items():
        yield from answers.share(f"{title}, {name}: right", _right(judged), total)
    yield from answers.share(f"{title}, as customers see it: right", accuracy["right"], total)
    yield from answers.share(f"{title}, as customers see it: wrong", accuracy["wrong"], total)
    handed_over = accuracy["handed_over"]
    yield from answers.share(f"{title}, as customers see it: handed over", handed_over, total)
    offered = accuracy["right"] + accuracy["offered"]
    yield from answers.share(f"{title}, as customers see it: right or offered", offered, total)
    yield from answers.share(f"{title}, if it had to answer: right", insisted, total)
    better = max(ways, key=lambda name: _right(ways[name]))
    if best := _right(ways[better]):
        yield figure(
            f"{title}, if it had to answer: right",
            "x",
            [insisted / best],
            at_least=1.0,
            peer=better,
        )
        ratio = accuracy["right"] / best
        yield figure(f"{title}, as customers see it: right", "x", [ratio], peer=better)
    yield from answers.speed(title, evaluation.figures)


def _insisted(evaluation: Evaluation, asked: Sequence[FrozenRow]) -> int:
    """How many questions that were handed over get the right answer when sureness does not count.

    A model that says itself that nothing fits has no answer to give, and is not right.
    """
    given = evaluation.answers.order_by("position")
    handed_over = [
        row for row, each in zip(asked, given, strict=True) if each.outcome == "handed_over"
    ]
    bot = evaluation.dataset_version.dataset.bot
    bot.confidence_threshold = 0.0
    with responders.opening(bot)(settings.MODELS_DIR / "serving" / evaluation.artifact) as opened:
        responses = [opened.responder.respond(row) for row in handed_over]
    return sum(
        not response.hands_over and baselines.judged(row, response.text).is_right
        for row, response in zip(handed_over, responses, strict=True)
    )


def _right(judged: Sequence[Judged]) -> int:
    return sum(each.is_right for each in judged)

"""The demo dataset and the default recipe, from the command to a model that can be deployed.

The bot is taught the questions of the split ``train`` first. Minutes are those of ``train``, its
prediction included; stages are told apart by the run's events. Every figure of quality is of the
split ``test``, whose wordings nothing has seen, asked of what would be served, with everything
around the model. Beside it stand the base model, asked the first :data:`BASE_QUESTIONS` of the
same rows, and the tuned search without a model, asked all of them. Suites of attacks run as part
of the minutes; they are no figures here.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

from django.conf import settings

from benchmarks.machine import Figure, figure
from benchmarks.training import answers, baselines
from benchmarks.training.staged import TrainingOptions, manage
from chat.inference import artifacts
from chat.models import Bot
from chat.selectors import DEMO_BOT_SLUG
from training import comparisons, demo, places
from training.evaluation.figures import measure as measured
from training.formats import Contents, Entry
from training.models import Evaluation, TrainingRun
from training.services import datasets, exporting, freezing, importing

BASE_QUESTIONS = 100
"""A base model writes whole answers, some seconds each."""
QUICK_STEP = 12
MINUTES = 30
MEMORY_GB = 3.0


def measure(options: TrainingOptions) -> list[Figure]:
    """All figures of the demo dataset."""
    seed(options)
    manage("teach_knowledge", demo.DATASET_SLUG)
    manage(
        "evaluate", "--dataset", demo.DATASET_SLUG, "--base",
        "--limit", str(options.scaled(BASE_QUESTIONS)), "--no-suites",
    )  # fmt: skip
    base = Evaluation.objects.latest("id")
    began = time.monotonic()
    manage("train", demo.DATASET_SLUG, *options.recipe_words)
    minutes = (time.monotonic() - began) / 60
    run = TrainingRun.objects.latest("id")
    evaluation = run.evaluations.get()
    return [
        figure("demo: from train to a model that is ready", "min", [minutes], at_most=MINUTES),
        *of_run("demo", run),
        *answers.tuned("demo", evaluation.figures),
        *answers.untuned("demo, base model", base.figures),
        *_beside_base(base, evaluation),
        *_beside_retriever(evaluation),
    ]


def seed(options: TrainingOptions) -> None:
    """The demo bot, its knowledge and a frozen version of its dataset, or of some rows of it."""
    manage("seed_demo")
    manage("index_knowledge")
    if options.is_quick:
        bot = Bot.objects.get(slug=DEMO_BOT_SLUG)
        dataset = datasets.named_or_new(demo.DATASET_SLUG, bot)
        plan = importing.plan(bot, Contents(_some(), ()), dataset=dataset)
        dataset.save()
        importing.carry_out(dataset, plan, author=None)
    else:
        manage("seed_demo_dataset")
    manage("freeze_dataset", demo.DATASET_SLUG)


def _some() -> tuple[Entry, ...]:
    """All rows of a few answers, and those without one."""
    rows = list(demo.entries())
    kept = set(sorted({each.group for each in rows})[::QUICK_STEP])
    return tuple(each for each in rows if each.group in kept)


def of_run(title: str, run: TrainingRun) -> Iterator[Figure]:
    """Minutes of each stage of a finished run, and what its trainer took."""
    at = {each.kind: each.created_at for each in run.events.order_by("id")}
    exported = (places.run_folder(run) / exporting.FILE).stat().st_mtime
    moments = [
        at["claimed"],
        at["prepared"],
        next((at[kind] for kind in at if kind.startswith("search_")), at["prepared"]),
        at["trained"],
        datetime.fromtimestamp(exported, tz=UTC),
        run.model_version.created_at,
        at["finished"],
    ]
    for stage, (begin, end) in zip(TrainingRun.Stage, pairwise(moments), strict=True):
        yield figure(f"{title}: {stage}", "min", [(end - begin).total_seconds() / 60])
    detail = run.events.filter(kind="trained").latest("id").detail
    yield figure(f"{title}: trained", "tokens/s", [detail["tokens_per_second"]])
    memory = detail["peak_memory_bytes"] / 1e9
    yield figure(f"{title}: peak memory of the trainer", "GB", [memory], at_most=MEMORY_GB)


def _beside_base(base: Evaluation, evaluation: Evaluation) -> Iterator[Figure]:
    """Right answers of what both were asked, questions out of scope among them."""
    found = comparisons.comparison(base, evaluation)
    name = "demo: right of the questions that the base was asked"
    yield from answers.share(f"{name}, base", found.right_before, found.total)
    yield from answers.share(f"{name}, tuned", found.right_after, found.total)


def _beside_retriever(evaluation: Evaluation) -> Iterator[Figure]:
    version = evaluation.dataset_version
    rows = [
        each for each in freezing.rows_of(version) if each.split == "test" and not each.hands_over
    ]
    search = artifacts.search_of(settings.MODELS_DIR / "serving" / evaluation.artifact)
    alone = measured(baselines.own_retriever(rows, version.dataset.bot, search))
    for name, ours, theirs in (
        ("right", evaluation.figures["accuracy"], alone.accuracy),
        ("follow-ups right", evaluation.figures["follow_up"], alone.follow_up),
    ):
        yield from answers.share(f"demo, retriever alone: {name}", theirs.right, theirs.total)
        if theirs.rate:
            ratio = ours["rate"] / theirs.rate
            yield figure(f"demo: {name}", "x", [ratio], peer="retriever alone")

"""Runs of the trainer that are measured alone: a folder with examples and a job, no database."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.training.staged import TrainingOptions, make_tiny
from chat import demo as shop
from chat.inference import artifacts
from chat.inference.engine import ChatMessage
from chat.inference.tokenizer import ChatTokenizer
from training import demo, places, stages
from training.formats import Entry
from training.management.choosing import RECIPE
from training.processes import Child, environment, folder_lock
from training.trainer import examples, recipe
from training.trainer.examples import Prepared
from training.trainer.recipe import Recipe

TOKENS = 125


def chosen_recipe(options: TrainingOptions, **overrides: object) -> Recipe:
    """The default recipe, or the one of tests."""
    changed = {name.replace("__", "."): value for name, value in overrides.items()}
    return recipe.load("tiny_test" if options.is_quick else RECIPE, changed)


def base_of(options: TrainingOptions, chosen: Recipe) -> Path:
    """Where the base of a recipe is."""
    from django.conf import settings

    return (
        make_tiny() if options.is_quick else artifacts.base_folder(settings.MODELS_DIR, chosen.base)
    )


def pairs(tokenizer: ChatTokenizer, count: int) -> list[Prepared]:
    """The English demo pairs that are nearest to :data:`TOKENS` tokens, instructions included."""
    made = [
        _prepared(each)
        for each in demo.entries()
        if each.locale == "en" and len(each.turns) == 2 and not each.hands_over
    ]
    made.sort(key=lambda each: abs(len(examples.encode(each, tokenizer)) - TOKENS))
    return made[:count]


def _prepared(entry: Entry) -> Prepared:
    asked, answered = entry.turns
    messages: list[ChatMessage] = [
        {"role": "system", "content": shop.INSTRUCTIONS["en"]},
        {"role": "user", "content": asked.content},
    ]
    return Prepared(tuple(messages), answered.content)


@contextmanager
def trainer(folder: Path) -> Iterator[Child]:
    """The trainer at work in ``folder``, as its supervisor starts it; ended with the block."""
    with folder_lock(folder) as lock:
        child = Child(
            [sys.executable, "-m", "training.trainer", str(folder)],
            log=folder / "trainer.log",
            environment=environment(places.threads()),
            lock=lock,
        )
        try:
            yield child
        finally:
            child.kill()


def write_run(folder: Path, chosen: Recipe, base: Path, learned: Sequence[Prepared]) -> Path:
    """What a supervisor leaves for the trainer; nothing is held out."""
    folder.mkdir(parents=True, exist_ok=True)
    examples.write(folder / "train.jsonl", learned)
    examples.write(folder / "dev.jsonl", ())
    job = {
        "recipe": chosen.as_dict(),
        "seed": 1,
        "base": str(base),
        "device": "cpu",
        "threads": places.threads(),
        "fence": 1,
    }
    (folder / stages.JOB).write_text(json.dumps(job), encoding="utf-8")
    return folder

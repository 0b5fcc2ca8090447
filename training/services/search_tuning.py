"""The encoder that a model's search finds with, tuned on what the customers of one bot ask.

What is near a question decides what a bot can answer at all: whatever the model writes or names, it has
read only that. The encoder that ships with csbot knows languages, not a shop. In a run of its own it
learns from the questions of the frozen dataset and the approved wordings of the bot; where it then
finds more of the held-out questions than before, the model that comes of the run brings it along.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from chat.inference import artifacts
from chat.inference.artifacts import SEARCH, ArtifactError, Facts
from chat.knowledge.e5_embedder import FORMAT, WEIGHTS, E5Embedder, shipped_weights
from chat.knowledge.embedding import EmbeddingError
from chat.libraries import LibraryShelf
from chat.models import Bot
from training.crash_points import crash_point
from training.encoder import packed
from training.encoder.packed import PackedError
from training.encoder.tuning import Step, Tuning, tune
from training.frozen import FrozenRow
from training.grounding import Grounded
from training.models import DatasetVersion, TrainingRun
from training.progress import ProgressWriter
from training.services import freezing, planning
from training.services.preparing import ground
from training.services.search_lessons import lessons
from training.trainer.recipe import parse

BASE = "multilingual-e5-small-q4"
FILE = "search.json"
TUNED = "search_tuned"
FIRST = 5
"""Answers that a prompt can hold, see ``data.candidates`` of a recipe."""


class NotTuned(Exception):
    """Nothing was kept; the text says why and is safe to show."""


@dataclass(frozen=True, slots=True)
class Found:
    """Of ``questions`` that an approved answer answers, how many had it first, and among the first
    five. Held out from what was learned."""

    questions: int
    first: int
    among: int


class NotBetter(NotTuned):
    """It was learned for nothing."""

    def __init__(self, before: Found, after: Found) -> None:
        super().__init__(
            f"The tuned encoder finds {after.first} of {after.questions} held-out questions first, "
            f"the one in use {before.first}: it was not kept."
        )
        self.facts = facts(before, after)


@dataclass(frozen=True, slots=True)
class Tuned:
    """What the tuned encoder is worth, beside the one in use."""

    before: Found
    after: Found
    seconds: float
    """Of learning, one question in one pass."""


def tune_run(run: TrainingRun, folder: Path, fence: int) -> None:
    """Tune the search of a run into ``folder``; passed over when that was done before.

    A search that finds no more, or that does not fit into memory, is no failure: the model is then
    searched for with that of the installation. Raises ``DatasetDamaged`` and ``EmbeddingError``.
    """
    writer = ProgressWriter(folder, fence)
    if (told_before := _decided(folder)) is not None:
        # Whoever decided it may have died before anybody heard.
        if not run.events.filter(kind=told_before["kind"]).exists():
            writer.note(**told_before)
        return
    crash_point("search.started")
    shutil.rmtree(folder / SEARCH, ignore_errors=True)
    wanted = parse(run.recipe).search
    tuning = Tuning(passes=wanted.passes, learning_rate=wanted.learning_rate, seed=run.seed)
    began = 0.0

    def told(step: Step) -> None:
        nonlocal began
        # The first one waited until everything was looked up.
        began = began or time.monotonic()
        done, left = step.number - 1, step.of - step.number
        spent = time.monotonic() - began
        writer.share(step.number / step.of, spent / done * left if done else None)

    note: dict[str, Any]
    try:
        tuned = tune_search(run.dataset_version, tuning, told, folder / SEARCH)
    except NotBetter as why:
        note = {"kind": "search_not_better", **why.facts}
    except NotTuned as why:
        note = {"kind": "search_not_tuned", "text": str(why)}
    except (MemoryError, RuntimeError) as why:
        if not _is_lack_of_memory(why):
            raise
        note = {"kind": "search_not_tuned", "text": "There was not enough memory."}
    else:
        planning.keep_search_speed(tuned.seconds)
        note = {"kind": TUNED, **facts(tuned.before, tuned.after)}
    _decide(folder, note)
    writer.note(**note)


def _decided(folder: Path) -> dict[str, Any] | None:
    """What an earlier attempt found, if what it kept is whole."""
    try:
        note: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if note["kind"] == TUNED:
            artifacts.verify(folder / SEARCH)
    except (OSError, ValueError, KeyError, TypeError, ArtifactError):
        return None
    return note


def _decide(folder: Path, note: dict[str, Any]) -> None:
    """Whatever was kept: not once more after a crash."""
    partial = folder / f"{FILE}.{os.getpid()}"
    partial.write_text(json.dumps(note), encoding="utf-8")
    partial.replace(folder / FILE)


def _is_lack_of_memory(why: BaseException) -> bool:
    """torch has no error of its own for memory that a CPU lacks."""
    return isinstance(why, MemoryError) or "allocate memory" in str(why)


def tune_search(
    version: DatasetVersion, tuning: Tuning, told: Callable[[Step], None], place: Path
) -> Tuned:
    """Learn from the split ``train``, measure on ``dev`` and seal in the folder ``place`` what is
    better than the search of this installation. Minutes.

    Raises :class:`NotTuned`, ``EmbeddingError`` and ``DatasetDamaged``.
    """
    if settings.CHAT_EMBEDDER not in ("auto", "e5"):
        raise NotTuned(f"This installation searches with {settings.CHAT_EMBEDDER}.")
    bot = version.dataset.bot
    rows = freezing.rows_of(version)
    held_out = [each for each in rows if each.split == "dev"]
    try:
        shipped = shipped_weights()
    except EmbeddingError as error:
        raise NotTuned(str(error)) from error
    before = found(held_out, bot, LibraryShelf())
    if not before.questions:
        raise NotTuned("No held-out question has an approved answer: nothing could be compared.")
    content, seconds = _learned(shipped, rows, bot, tuning, told)
    source = f"tuned:{version.dataset.slug}@{version.number}"
    with artifacts.building(place) as partial:
        (partial / WEIGHTS).write_bytes(content)
        artifacts.seal(partial, Facts(BASE, FORMAT, BASE, "q4", source))
        after = found(held_out, bot, LibraryShelf(E5Embedder(folder=partial)))
        if after.first <= before.first:
            raise NotBetter(before, after)
    return Tuned(before, after, seconds)


def found(rows: Sequence[FrozenRow], bot: Bot, shelf: LibraryShelf) -> Found:
    """How many of ``rows`` the search finds. Raises ``EmbeddingError``."""
    answered = [each for each in ground(rows, bot, shelf) if each.right is not None]
    return Found(
        len(answered),
        sum(not each.is_hard for each in answered),
        sum(_is_among(each) for each in answered),
    )


def _learned(
    shipped: Path,
    rows: Sequence[FrozenRow],
    bot: Bot,
    tuning: Tuning,
    told: Callable[[Step], None],
) -> tuple[bytes, float]:
    """The file of the tuned encoder, and the seconds that one question took in one pass."""
    questions, answers = lessons(rows, bot)
    began = time.monotonic()
    try:
        content = tune(packed.read(shipped), questions, answers, tuning, told)
    except PackedError as error:
        raise NotTuned(f"The encoder that ships with csbot: {error}") from error
    except ValueError as error:
        raise NotTuned(str(error)) from error
    return content, (time.monotonic() - began) / (len(questions) * tuning.passes)


def _is_among(grounded: Grounded) -> bool:
    return grounded.right in [each.answer for each in grounded.near[:FIRST]]


def facts(before: Found, after: Found) -> dict[str, int]:
    """What a run's story says of it."""
    return {"questions": after.questions, "before": before.first, "after": after.first}

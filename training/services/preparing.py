"""The examples of a run, made of its dataset version and of what its bot knows."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db.models import F, Q
from tqdm import tqdm

from chat.knowledge.embedding import Vectors
from chat.knowledge.questions import normalized
from chat.libraries import LibraryShelf, embedded
from chat.models import Bot, CuratedAnswer
from chat.selectors import approved_answers
from chat.services.notices import notice_text
from training import asking
from training.asking import Asked
from training.failures import RunFailure
from training.frozen import FrozenRow, digest
from training.grounding import Grounded, Wordings, chosen, prepared
from training.models import DatasetVersion, Example, FrozenExample, RunEvent, TrainingRun
from training.services import freezing
from training.trainer import examples
from training.trainer.recipe import Data, Style, parse

NEAR = 10
"""One more than a prompt can hold: the right one may be taken out."""
MOST_HELD_OUT = 400
"""Rows of the split ``dev`` that a run looks at while it trains."""


LOOKED_AT = 5
_AT_ONCE = 64


class NothingToLearn(RunFailure):
    """No example can be made of the dataset version and of what the bot knows."""

    def __init__(self, style: Style) -> None:
        super().__init__("nothing_to_learn", _NO_QUESTIONS if style == "questions" else _NO_ROWS)


_NO_ROWS = (
    "No row of this dataset gives an answer that is approved for the bot: teach the bot "
    "its answers first (on the version's page, or with teach_knowledge), or train on words "
    "(data.style)."
)
_NO_QUESTIONS = (
    "The bot has no approved questions yet, or none that this dataset does not hold out: teach the "
    "bot its answers first (on the version's page, or with teach_knowledge)."
)


def prepare(run: TrainingRun, folder: Path) -> None:
    """Write ``train.jsonl`` and ``dev.jsonl`` into the folder of ``run``.

    The same run gives the same files while the bot knows the same. Raises :class:`NothingToLearn`,
    :class:`~training.frozen.DatasetDamaged` and ``EmbeddingError``.
    """
    data = parse(run.recipe).data
    rows = freezing.rows_of(run.dataset_version)
    write = _write_lists if data.style == "questions" else _write_grounded
    detail = write(run, data, rows, folder)
    if run.pk:
        RunEvent.objects.create(run=run, kind="prepared", detail=detail)


def _write_lists(
    run: TrainingRun, data: Data, rows: Sequence[FrozenRow], folder: Path
) -> dict[str, Any]:
    """Lists of what customers ask, one or more for each approved answer that serves.

    They hold all that the bot knows now: a model that is continued reads again what it has seen, and
    nothing else is replayed. What is new to it has lists of its own, all of them, if the recipe wants
    what is new first. Nothing is searched for.
    """
    approved = approved_answers(run.bot).order_by("pk").prefetch_related("variants")
    given = _given(rows, approved)
    known = _asked_for(approved, rows, given)
    seen = {digest(row.messages, row.locale) for row in _seen(run)} if data.new_first else set()
    new = {
        normalized(_looked_up(row))
        for row in rows
        if seen and row.split == "train" and digest(row.messages, row.locale) not in seen
    }
    lists = asking.lists([*known.values()], new=new, most=data.examples, seed=run.seed)
    if not lists:
        raise NothingToLearn(data.style)
    count = examples.write(folder / "train.jsonl", lists)
    held_out = [
        (_looked_up(row), known[answer])
        for row, answer in zip(rows, given, strict=True)
        if row.split == "dev" and answer is not None
    ]
    draw = random.Random(run.seed)  # noqa: S311 - repeatable, no secret
    looked_at = draw.sample(held_out, min(len(held_out), MOST_HELD_OUT))
    examples.write(
        folder / "dev.jsonl",
        (asking.ending_with(question, asked, draw) for question, asked in looked_at),
    )
    return {
        "examples": count,
        "answers": len({each.messages[-1]["content"] for each in lists}),
        "questions": sum(each.target.count("\n") for each in lists),
    }


def _asked_for(
    approved: Iterable[CuratedAnswer], rows: Sequence[FrozenRow], given: Sequence[int | None]
) -> dict[int, Asked]:
    """What customers ask who need each answer: its approved wordings and the questions of the split
    ``train`` that it answers, as serving looks them up. Nothing that is asked in the other splits."""
    asked: dict[int, list[str]] = defaultdict(list)
    for row, answer in zip(rows, given, strict=True):
        if row.split == "train" and answer is not None:
            asked[answer].append(_looked_up(row))
    held_out = {
        normalized(text)
        for row in rows
        if row.split != "train"
        for text in (row.question, joined(row))
    }
    return {
        each.pk: asking.learnable(
            Asked(
                each.text,
                each.locale,
                (*(variant.text for variant in each.variants.all()), *asked[each.pk]),
            ),
            held_out,
        )
        for each in approved
    }


def _looked_up(row: FrozenRow) -> str:
    """What is asked, as serving looks it up."""
    return joined(row) or row.question


def _given(rows: Sequence[FrozenRow], approved: Iterable[CuratedAnswer]) -> list[int | None]:
    """The approved answer that each row gives word for word."""
    said = _by_text(approved)
    return [
        None if row.hands_over else said.get((row.locale, normalized(row.answer))) for row in rows
    ]


def _write_grounded(
    run: TrainingRun, data: Data, rows: Sequence[FrozenRow], folder: Path
) -> dict[str, Any]:
    """Questions, each with what is near it in the knowledge of the bot."""
    bot = run.bot
    wordings = _wordings(bot)
    # Not with the search that the run tunes: it finds nearly all that it has learned from first, and
    # the model would learn that the first is always right.
    shelf = LibraryShelf()
    grounded = ground(_looked_at(rows, data, run.seed), bot, shelf)
    held_out = ground([row for row in rows if row.split == "dev"], bot, shelf)
    learned = _learned(run, data, grounded, shelf, rows)
    if not learned:
        raise NothingToLearn(data.style)
    draw = random.Random(run.seed)  # noqa: S311 - repeatable, no secret
    count = examples.write(
        folder / "train.jsonl",
        (prepared(each, data, wordings, draw=draw) for each in learned),
    )
    looked_at = chosen(held_out, Data(style=data.style, unknown_share=0.0), run.seed)
    examples.write(
        folder / "dev.jsonl",
        (prepared(each, data, wordings) for each in looked_at[:MOST_HELD_OUT]),
    )
    return {
        "examples": count,
        "hard": sum(each.is_hard for each in learned),
        "unknown": sum(each.row.hands_over for each in learned),
        "free": sum(each.is_free for each in (*grounded, *held_out)),
    }


def _looked_at(rows: Sequence[FrozenRow], data: Data, seed: int) -> list[FrozenRow]:
    """The rows of which the examples are chosen. To look one up takes a twentieth of a second, and
    among :data:`LOOKED_AT` times as many as are wanted there are hard ones enough."""
    usable = [row for row in rows if row.split == "train"]
    if not data.examples or data.new_first:
        return usable
    answered = [row for row in usable if not row.hands_over]
    draw = random.Random(seed)  # noqa: S311 - repeatable, no secret
    some = draw.sample(answered, min(len(answered), LOOKED_AT * data.examples))
    return some + [row for row in usable if row.hands_over]


def ground(
    rows: Sequence[FrozenRow], bot: Bot, shelf: LibraryShelf | None = None
) -> list[Grounded]:
    """What is near each row's question in the knowledge of ``bot``, which is searched without its own
    wording and those nearly like it: what customers ask is like neither.

    Vectors are kept: the next run over the same rows takes seconds. Raises ``EmbeddingError``.
    """
    shelf = shelf or LibraryShelf()
    said = answers_by_text(bot)
    texts = [text for row in rows for text in (row.question, joined(row)) if text]
    vectors: dict[str, Vectors] = {}
    for start in tqdm(range(0, len(texts), _AT_ONCE), desc="Looking up", disable=None):
        some = texts[start : start + _AT_ONCE]
        vectors.update(zip(some, embedded(some, shelf.embedder), strict=True))
    alike: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        alike[row.cluster or row.id].append(row.question)
    found: list[Grounded] = []
    for row in rows:
        ids = [
            said.get((row.locale, normalized(each["content"])))
            for each in row.messages
            if each["role"] == "assistant"
        ]
        near = shelf.library(bot, row.locale).index.nearest(
            vectors[row.question],
            NEAR,
            without=alike[row.cluster or row.id],
            joined=vectors.get(joined(row)),
            given=[each for each in ids[:-1] if each is not None],
        )
        right = None if row.hands_over else ids[-1]
        found.append(Grounded(row, tuple(near), right, right is None and not row.hands_over))
    return found


def joined(row: FrozenRow) -> str:
    """A follow-up with the question before it, as serving looks it up; empty for a first one."""
    asked = [each["content"] for each in row.messages if each["role"] == "user"]
    return f"{asked[-2]} {asked[-1]}" if len(asked) > 1 else ""


def answers_by_text(bot: Bot) -> dict[tuple[str, str], int]:
    """The active answers by language and normalised text."""
    return _by_text(CuratedAnswer.objects.filter(bot=bot, is_active=True).only("locale", "text"))


def _by_text(answers: Iterable[CuratedAnswer]) -> dict[tuple[str, str], int]:
    return {(each.locale, normalized(each.text)): each.pk for each in answers}


def _wordings(bot: Bot) -> Wordings:
    texts = dict(CuratedAnswer.objects.filter(bot=bot).values_list("pk", "text"))
    return Wordings(
        instructions=lambda locale: bot.text(bot.instructions, locale),
        hand_over=lambda locale: notice_text("unanswered", locale),
        answer=lambda pk: texts[pk],
    )


def _learned(
    run: TrainingRun,
    data: Data,
    grounded: list[Grounded],
    shelf: LibraryShelf,
    rows: Sequence[FrozenRow],
) -> list[Grounded]:
    """What is chosen of the run's own rows, which are ``grounded`` and held-out ones, and what is
    replayed with it."""
    seen = _seen(run)
    if not data.new_first or not seen:
        learned = chosen(grounded, data, run.seed)
        replayable = _replayable(_version_seen(run), seen, rows) if data.replay_share else []
        old = ground(replayable, run.bot, shelf)
        return learned + _replayed(run, old, data, len(learned))
    known = {digest(row.messages, row.locale) for row in seen}
    marked = [(each, digest(each.row.messages, each.row.locale) in known) for each in grounded]
    learned = chosen(
        [each for each, is_known in marked if not is_known], replace(data, examples=0), run.seed
    )
    # What was taken back since is in no row of this version, and not replayed.
    old = [each for each, is_known in marked if is_known]
    return learned + _replayed(run, old, data, len(learned), fill=data.examples)


def _seen(run: TrainingRun) -> list[FrozenRow]:
    """What the model which this run continues has learned from; nothing when that is the same."""
    version = _version_seen(run)
    if version is None or version == run.dataset_version:
        return []
    return [row for row in freezing.rows_of(version) if row.split == "train"]


def _version_seen(run: TrainingRun) -> DatasetVersion | None:
    seen = run.parent.run if run.parent else None
    return seen.dataset_version if seen else None


def _replayable(
    version: DatasetVersion | None, seen: Sequence[FrozenRow], rows: Sequence[FrozenRow]
) -> list[FrozenRow]:
    """Those of ``seen``, rows of ``version``, that are not held out in ``rows`` now, whatever their answer, and that still
    stand in their dataset as they were: not rejected, reopened, corrected or deleted since."""
    if version is None:
        return []
    frozen = FrozenExample.objects.filter(version=version, split="train")
    standing = Q(example__status=Example.Status.APPROVED, example__digest=F("digest"))
    stale = set(frozen.exclude(standing).values_list("digest", flat=True))
    held_out = {_asked(row) for row in rows if row.split != "train"}
    return [
        row
        for row in seen
        if _asked(row) not in held_out and digest(row.messages, row.locale) not in stale
    ]


def _asked(row: FrozenRow) -> str:
    return digest(row.messages[:-1], row.locale)


def _replayed(
    run: TrainingRun, old: Sequence[Grounded], data: Data, count: int, *, fill: int = 0
) -> list[Grounded]:
    """Some of what was seen before, not to be forgotten: as many as the recipe wants beside ``count``,
    or more until there are ``fill`` in all."""
    if not data.replay_share:
        return []
    wanted = round(count * data.replay_share / max(0.01, 1 - data.replay_share))
    wanted = max(wanted, fill - count)
    draw = random.Random(run.seed)  # noqa: S311 - repeatable, no secret
    usable = [each for each in old if data.style != "number" or not each.is_free]
    return draw.sample(usable, min(wanted, len(usable)))

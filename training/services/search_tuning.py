"""An encoder that has learned what the customers of one bot ask, and what that is worth.

What is near a question decides what a bot can answer at all: whatever the model writes or names, it has
read only that. The encoder that ships with csbot knows languages, not a shop. It learns from the
questions of a frozen dataset and the approved wordings of its bot, and is kept only if it finds
more of the held-out questions than the one in use.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from chat.inference import artifacts
from chat.inference.artifacts import Facts
from chat.knowledge.e5_embedder import FORMAT, WEIGHTS, E5Embedder, shipped_weights
from chat.knowledge.embedding import EmbeddingError
from chat.knowledge.questions import normalized
from chat.libraries import LibraryShelf
from chat.models import Bot, QuestionVariant
from training import redacting
from training.encoder import packed
from training.encoder.packed import PackedError
from training.encoder.tuning import Step, Tuning, tune
from training.frozen import FrozenRow
from training.grounding import Grounded
from training.lineage import encoder_source
from training.models import DatasetVersion
from training.services import freezing
from training.services.preparing import answers_by_text, ground, joined

BASE = "multilingual-e5-small-q4"
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


@dataclass(frozen=True, slots=True)
class Tuned:
    """``name`` is the folder below ``var/models/embedders``."""

    name: str
    before: Found
    after: Found


def tune_search(
    version: DatasetVersion,
    tuning: Tuning,
    told: Callable[[Step], None],
    in_use: LibraryShelf | None = None,
) -> Tuned:
    """Learn from the split ``train``, measure on ``dev`` and keep what is better than the search
    ``in_use``, which is that of this installation. Minutes.

    Raises :class:`NotTuned`, ``EmbeddingError`` and ``DatasetDamaged``.
    """
    bot, sha256 = version.dataset.bot, version.sha256
    rows = freezing.rows_of(version)
    held_out = [each for each in rows if each.split == "dev"]
    before = found(held_out, bot, in_use or LibraryShelf())
    if not before.questions:
        raise NotTuned("No held-out question has an approved answer: nothing could be compared.")
    content = _learned(rows, bot, tuning, told)
    folder = _next_folder(version.dataset.slug)
    with ExitStack() as kept, artifacts.building(folder) as partial:
        (partial / WEIGHTS).write_bytes(content)
        artifacts.seal(partial, Facts(BASE, FORMAT, BASE, "q4", encoder_source(version)))
        after = found(held_out, bot, LibraryShelf(E5Embedder(folder=partial)))
        if after.first <= before.first:
            raise NotTuned(
                f"The tuned encoder finds {after.first} of {after.questions} held-out questions "
                f"first, the one in use {before.first}: it was not kept."
            )
        # An erasure waits until the folder is in place: its certificate then names the encoder.
        kept.enter_context(transaction.atomic())
        if not redacting.is_still(version, sha256):
            raise NotTuned("Somebody was erased from the dataset meanwhile. Tune again.")
    return Tuned(folder.name, before, after)


def found(rows: Sequence[FrozenRow], bot: Bot, shelf: LibraryShelf) -> Found:
    """How many of ``rows`` the search finds. Raises ``EmbeddingError``."""
    answered = [each for each in ground(rows, bot, shelf) if each.right is not None]
    return Found(
        len(answered),
        sum(not each.is_hard for each in answered),
        sum(_is_among(each) for each in answered),
    )


def _is_among(grounded: Grounded) -> bool:
    return grounded.right in [each.answer for each in grounded.near[:FIRST]]


def _learned(
    rows: Sequence[FrozenRow], bot: Bot, tuning: Tuning, told: Callable[[Step], None]
) -> bytes:
    questions, answers = lessons(rows, bot)
    try:
        return tune(packed.read(shipped_weights()), questions, answers, tuning, told)
    except PackedError as error:
        raise EmbeddingError(f"The encoder that ships with csbot: {error}") from error
    except ValueError as error:
        raise NotTuned(str(error)) from error


def lessons(rows: Sequence[FrozenRow], bot: Bot) -> tuple[list[str], list[int | None]]:
    """Questions to learn from and the number of the answer of each, from 0 on: those of the split
    ``train`` as serving looks them up, and the approved wordings that are not held out. None is the
    answer of those that are handed over."""
    said = answers_by_text(bot)
    taught: list[tuple[str, int | None]] = []
    for row in rows:
        answer = said.get((row.locale, normalized(row.answer)))
        if row.split == "train" and (row.hands_over or answer is not None):
            asked = joined(row) or row.question
            taught.append((asked, None if row.hands_over else answer))
    held_out = {(row.locale, normalized(row.question)) for row in rows if row.split != "train"}
    approved = QuestionVariant.objects.filter(answer__bot=bot, answer__is_active=True)
    taught += [
        (text, answer)
        for text, key, answer, locale in approved.order_by("pk").values_list(
            "text", "normalized", "answer_id", "answer__locale"
        )
        if (locale, key) not in held_out
    ]
    taught = list(dict.fromkeys(taught))
    known = sorted({answer for _, answer in taught if answer is not None})
    numbers: dict[int | None, int | None] = {answer: at for at, answer in enumerate(known)}
    return [text for text, _ in taught], [numbers.get(answer) for _, answer in taught]


def _next_folder(slug: str) -> Path:
    """One that nobody uses: what runners have mapped is never replaced."""
    number = 1
    while (folder := artifacts.embedder_folder(settings.MODELS_DIR, f"{slug}-{number}")).exists():
        number += 1
    return folder

"""Why a bot said what it said, and what an example has done: lineage, forwards and backwards."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chat.knowledge.embedding import EmbeddingError
from chat.libraries import LibraryShelf, embedded, embedded_before
from chat.models import AnswerRevision, Message
from training import comparisons
from training.evaluation.comparing import Change, Changed
from training.frozen import DatasetDamaged, FrozenRow
from training.models import Correction, Evaluation, Example, FrozenExample, ModelVersion
from training.services.freezing import rows_of

NEAREST = 5
SHOWN_CHANGES = 50
STAGES = ("first_token", "answer", "moderation", "held_p95")


@dataclass(frozen=True, slots=True)
class Learned:
    """A row that the model learned from. ``likeness`` is the cosine of the two questions;
    ``example`` is None when it was deleted since."""

    row: FrozenRow
    likeness: float
    example: Example | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How one answer came about.

    ``revision`` is the approved answer as it was said, ``read`` what the search found near the
    question, nearest first, ``model`` the version that answered, ``learned`` its training rows with the nearest
    questions, and ``stages`` are seconds by name.
    """

    message: Message
    revision: AnswerRevision | None
    read: Sequence[dict[str, Any]]
    model: ModelVersion | None
    learned: Sequence[Learned]
    is_learned_known: bool
    stages: Sequence[tuple[str, float]]
    corrections: Sequence[Correction]


@dataclass(frozen=True, slots=True)
class Traces:
    """What came of one example: the models that learned from it, and the held-out answers of its
    group that changed with each."""

    models: Sequence[ModelVersion]
    changed: Sequence[tuple[ModelVersion, Sequence[Changed]]]


def explain(message: Message, shelf: LibraryShelf) -> Explanation:
    """The lineage of an answer, as far as it is known: rows and files may have been erased."""
    near = list(message.match.get("near") or [])
    model = model_of(message)
    learned = _nearest(message, model, shelf)
    return Explanation(
        message=message,
        revision=_revision(message, near),
        read=near,
        model=model,
        learned=learned or (),
        is_learned_known=learned is not None,
        stages=[(name, message.timings[name]) for name in STAGES if name in message.timings],
        corrections=list(message.corrections.select_related("answer", "created_by")),
    )


def model_of(message: Message) -> ModelVersion | None:
    """The trained model that was in service for this answer; a base model is none."""
    deployment = message.deployment
    if deployment is None or not deployment.artifact:
        return None
    return (
        ModelVersion.objects.filter(artifact=deployment.artifact)
        .select_related("run__dataset_version__dataset", "run__created_by")
        .first()
    )


def traces(example: Example) -> Traces:
    """The models that learned from an example, and the held-out answers of its group that changed.

    Only changes are told, not causes: other rows of the same versions may have made them.
    """
    frozen = FrozenExample.objects.filter(example=example, split="train")
    models = list(
        ModelVersion.objects.filter(run__dataset_version__in=frozen.values("version"))
        .select_related("run__dataset_version__dataset")
        .order_by("id")
    )
    changed = [(each, found) for each in models if (found := _changed(each, example.group))]
    return Traces(models, changed)


def _changed(model: ModelVersion, group: str) -> list[Changed]:
    after = model.evaluations.filter(status=Evaluation.Status.FINISHED).first()
    if after is None or after.baseline is None or not group:
        return []
    digests = set(after.answers.filter(group=group).values_list("digest", flat=True))
    found = comparisons.comparison(after.baseline, after).changed
    moved = (Change.BETTER, Change.BROKE)
    return [each for each in found if each.change in moved and each.after.digest in digests][
        :SHOWN_CHANGES
    ]


def _revision(message: Message, near: Sequence[dict[str, Any]]) -> AnswerRevision | None:
    if message.curated_answer_id is None:
        return None
    number = next(
        (each["revision"] for each in near if each["answer"] == message.curated_answer_id), None
    )
    if number is None:
        return None
    revisions = AnswerRevision.objects.filter(answer=message.curated_answer_id)
    return revisions.filter(number=number).select_related("author", "answer__owner").first()


def _nearest(
    message: Message, model: ModelVersion | None, shelf: LibraryShelf
) -> list[Learned] | None:
    """None when it cannot be told: the files or the vectors are not here any more."""
    if model is None or model.run is None or message.reply_to is None:
        return []
    version = model.run.dataset_version
    try:
        rows = [each for each in rows_of(version) if each.split == "train"]
        vectors = embedded_before({each.question for each in rows}, shelf.embedder)
        asked = embedded([message.reply_to.text], shelf.embedder)[0]
    except (DatasetDamaged, EmbeddingError):
        return None
    scored = [
        (float(np.dot(vectors[each.question], asked)), each)
        for each in rows
        if each.question in vectors
    ]
    best = heapq.nlargest(NEAREST, scored, key=lambda pair: pair[0])
    examples = Example.objects.filter(public_id__in=[each.id for _, each in best]).select_related(
        "author", "reviewer"
    )
    known = {str(each.public_id): each for each in examples}
    return [Learned(row, round(score, 3), known.get(row.id)) for score, row in best]

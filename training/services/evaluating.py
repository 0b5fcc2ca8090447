"""What will be served answers the held-out questions, and all of it is stored."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from chat.inference.artifacts import ArtifactError
from chat.inference.engine import EngineError
from chat.knowledge.embedding import EmbeddingError
from moderation.services import audit
from training import redacting
from training.crash_points import crash_point
from training.evaluation.figures import measure
from training.evaluation.judging import Judged, judge
from training.evaluation.responding import Responder
from training.frozen import FrozenRow, digest
from training.models import DatasetVersion, EvaluatedAnswer, Evaluation, ModelVersion, TrainingRun
from training.progress import ProgressWriter
from training.services import exporting, responders, runs, suites
from training.services.freezing import rows_of
from training.services.responders import Opened, Opening
from training.services.runs import Claim
from training.trainer.recipe import parse

CONFIDENCE = "confidence.json"
MOST_JUDGED = 240
"""Questions of the split ``dev`` from which the confidence in a new model is learned."""

Advance = Callable[[int, int], None]
"""Hears how many of how many questions are done."""
Guard = Callable[[], AbstractContextManager[object]]
"""Entered in each transaction that writes: may refuse by raising."""
Suite = Callable[[Responder, Callable[[], None]], dict[str, Any]]
"""One more measurement with the same responder; calls back after each question."""


class Outdated(Exception):
    """Rows that were asked have been erased meanwhile; the text is safe to show."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated, and what it is shown beside.

    ``artifact`` is a name below ``var/models/serving``, or that of a run before it publishes.
    """

    artifact: str
    model_version: ModelVersion | None = None
    run: TrainingRun | None = None
    baseline: Evaluation | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which questions are asked. ``limit`` 0 is all; fewer are always the same of a split."""

    dataset_version: DatasetVersion
    split: str = "test"
    limit: int = 0
    suites: dict[str, tuple[int, Suite]] = field(default_factory=dict)
    """By name: how many questions a suite asks, and the suite."""


def evaluate_run(
    run: TrainingRun, folder: Path, fence: int, opening: Opening | None = None
) -> Evaluation:
    """Evaluate what the run exported; passed over when that was done before.

    Raises :class:`~training.failures.LostLease`, ``EngineError``, :class:`Outdated`, and
    ``ArtifactError`` when the export is damaged.
    """
    known = run.evaluations.filter(status=Evaluation.Status.FINISHED).first()
    if known is not None:
        return known
    crash_point("evaluation.started")
    exported = exporting.chosen_or_none(folder)
    if exported is None:
        raise ArtifactError("The run's export is damaged.")
    recipe = parse(run.recipe)
    version = run.dataset_version
    writer = ProgressWriter(folder, fence)
    with (opening or responders.opening(run.bot))(exported.folder) as opened:
        judged = questions(Scope(version, split="dev", limit=MOST_JUDGED))
        first = _Counter(lambda done, total: writer.share(done / total / 3), len(judged))
        _calibrate(opened, judged, folder, first.step)
        return evaluate(
            Subject(f"run-{run.public_id}", run=run, baseline=baseline_or_none(run)),
            Scope(version, suites=suites.of_run(run, recipe, opened)),
            opened.responder,
            embedder=opened.embedder,
            advance=lambda done, total: writer.share((1 + 2 * done / total) / 3),
            guard=lambda: _holding(run, fence),
        )


def _calibrate(
    opened: Opened, rows: Sequence[FrozenRow], folder: Path, advance: Callable[[], None]
) -> None:
    """Learn how sure to be of the new model before it is measured; kept for its promotion."""
    if opened.calibrate is None:
        return
    weights = opened.calibrate(rows, advance)
    # Another encoder finds other answers, and is sure of others.
    kept = {
        locale: {**asdict(each), "embedder": opened.embedder} for locale, each in weights.items()
    }
    (folder / CONFIDENCE).write_text(json.dumps(kept), encoding="utf-8")


def confidence(folder: Path) -> dict[str, Any]:
    """What was learned for the run of ``folder``: weights by language, empty if nothing was."""
    place = folder / CONFIDENCE
    return dict(json.loads(place.read_text("utf-8"))) if place.exists() else {}


def evaluate(
    subject: Subject,
    scope: Scope,
    responder: Responder,
    *,
    embedder: str = "",
    advance: Advance = lambda done, total: None,
    guard: Guard = nullcontext,
) -> Evaluation:
    """Ask everything in the scope; store every answer and all figures, and the name of the
    ``embedder`` that the responder searched with.

    What an earlier attempt at the same left unfinished is replaced. Raises :class:`EngineError`,
    :class:`EmbeddingError` and :class:`Outdated`, and the evaluation then says so.
    """
    sha256 = scope.dataset_version.sha256
    rows = questions(scope)
    counter = _Counter(advance, len(rows) + sum(count for count, _ in scope.suites.values()))
    with transaction.atomic(), guard():
        evaluation = _begin(subject, scope)
    try:
        judged = []
        for row in rows:
            judged.append(judge(row, responder.respond(row)))
            counter.step()
        found = {name: suite(responder, counter.step) for name, (_, suite) in scope.suites.items()}
        crash_point("evaluation.answered")
        with transaction.atomic(), guard():
            if not redacting.is_still(scope.dataset_version, sha256):
                # Stored now, what the erasure took away would come back.
                raise Outdated("Somebody was erased from the dataset meanwhile. Evaluate again.")
            return _finish(evaluation, judged, found, embedder)
    except (EngineError, EmbeddingError, Outdated) as error:
        with transaction.atomic(), guard():
            Evaluation.objects.filter(pk=evaluation.pk).update(
                status=Evaluation.Status.FAILED, error=str(error)[:300]
            )
        raise


def questions(scope: Scope) -> list[FrozenRow]:
    """The rows that are asked. Raises :class:`~training.frozen.DatasetDamaged`."""
    rows = [row for row in rows_of(scope.dataset_version) if row.split == scope.split]
    if not scope.limit:
        return rows
    chosen = sorted(rows, key=lambda row: hashlib.sha256(row.id.encode()).digest())
    return chosen[: scope.limit]


def baseline_or_none(run: TrainingRun) -> Evaluation | None:
    """What a run is shown beside: the model it continues from, else its base, on the same data."""
    finished = Evaluation.objects.filter(
        dataset_version=run.dataset_version, split="test", status=Evaluation.Status.FINISHED
    )
    if run.parent is not None:
        finished = finished.filter(model_version=run.parent)
    else:
        finished = finished.filter(
            model_version=None, run=None, artifact__startswith=f"{run.base}-"
        )
    return finished.first()


def _begin(subject: Subject, scope: Scope) -> Evaluation:
    Evaluation.objects.filter(
        artifact=subject.artifact,
        dataset_version=scope.dataset_version,
        split=scope.split,
        run=subject.run,
    ).exclude(status=Evaluation.Status.FINISHED).delete()
    return Evaluation.objects.create(
        artifact=subject.artifact,
        model_version=subject.model_version,
        run=subject.run,
        baseline=subject.baseline,
        dataset_version=scope.dataset_version,
        split=scope.split,
    )


def _finish(
    evaluation: Evaluation, judged: Sequence[Judged], found: dict[str, Any], embedder: str
) -> Evaluation:
    figures = measure(judged).as_json()
    EvaluatedAnswer.objects.bulk_create(
        [_answer(evaluation, position, each) for position, each in enumerate(judged)],
        batch_size=500,
    )
    evaluation.scenarios = figures.pop("scenarios")
    evaluation.figures = {**figures, "embedder": embedder}
    evaluation.suites = found
    evaluation.status = Evaluation.Status.FINISHED
    evaluation.save()
    audit.record(
        "evaluation.finished",
        target=f"evaluation:{evaluation.pk}",
        bot=evaluation.dataset_version.dataset.bot.slug,
        facts={"artifact": evaluation.artifact, "questions": len(judged)},
    )
    return evaluation


def _answer(evaluation: Evaluation, position: int, judged: Judged) -> EvaluatedAnswer:
    row, response = judged.row, judged.response
    return EvaluatedAnswer(
        evaluation=evaluation,
        position=position,
        digest=digest(row.messages[:-1], row.locale),
        question=said(row),
        expected=row.answer,
        given=response.text,
        group=row.group[:80],
        scenario=row.scenario[:20],
        locale=row.locale,
        turns=judged.turns,
        outcome=judged.outcome,
        hands_over=row.hands_over,
        source=response.source,
        confidence=response.confidence,
        seconds=response.seconds,
    )


def said(row: FrozenRow) -> str:
    """What was said before the answer, as people read it; one turn as it stands."""
    turns = row.messages[:-1]
    if len(turns) == 1:
        return turns[0]["content"]
    marks = {"user": "›", "assistant": "‹"}
    return "\n".join(f"{marks.get(each['role'], '·')} {each['content']}" for each in turns)


@contextmanager
def _holding(run: TrainingRun, fence: int) -> Iterator[None]:
    runs.hold(Claim(run, fence))
    yield


class _Counter:
    """Counts the questions of all parts together."""

    def __init__(self, advance: Advance, total: int) -> None:
        self._advance = advance
        self._total = total
        self._done = 0

    def step(self) -> None:
        self._done += 1
        self._advance(self._done, max(self._total, self._done))

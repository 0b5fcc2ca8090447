"""What the models of a bot learned from, and how right that made them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat.models import Bot
from training import asking
from training.evaluation.learning_curve import LearningCurve, fit
from training.models import Evaluation, ModelVersion, TrainingRun


@dataclass(frozen=True, slots=True)
class Point:
    """One model: the examples that it and those before it learned from, and its share of right answers."""

    version: ModelVersion
    examples: int
    accuracy: float


def points(bot: Bot) -> list[Point]:
    """The models of the newest base that were asked all their held-out questions, oldest first."""
    versions = list(
        ModelVersion.objects.filter(run__bot=bot)
        .select_related("run__dataset_version", "run__parent")
        .order_by("id")
    )
    runs = {each.pk: each.run for each in versions if each.run is not None}
    found = []
    for version in versions:
        accuracy = _accuracy(version)
        if version.base == versions[-1].base and accuracy is not None:
            found.append(Point(version, _learned(version, runs), accuracy))
    return found


def curve(known: list[Point]) -> LearningCurve:
    return fit([(each.examples, each.accuracy) for each in known])


def _accuracy(version: ModelVersion) -> float | None:
    """Of the newest evaluation that asked everything."""
    finished = Evaluation.objects.filter(
        model_version=version, split="test", status=Evaluation.Status.FINISHED
    ).select_related("dataset_version")
    for each in finished.order_by("-id"):
        if each.figures.get("questions") == each.dataset_version.counts.get("test"):
            rate = each.figures.get("accuracy", {}).get("rate")
            return None if rate is None else float(rate)
    return None


def _learned(version: ModelVersion, runs: dict[int, TrainingRun]) -> int:
    """No more than its dataset version held, nor than its run and those it continues took."""
    taken, most = 0, 0
    run = version.run
    while run is not None:
        rows = int(run.dataset_version.counts.get("train", 0))
        most = max(most, rows)
        limit = _limit(run.recipe.get("data", {}))
        taken += min(rows, limit) if limit else rows
        run = runs.get(run.parent_id) if run.parent_id else None
    return min(taken, most)


def _limit(data: Mapping[str, Any]) -> int:
    """The rows that a run took at most; 0 for all."""
    examples = int(data.get("examples", 0))
    if data.get("style") == "questions":
        # Lists, and the curve tells what more rows would bring. Which rows stand in the lists, beside
        # approved wordings, is not kept: never more than this, and mostly all of the dataset.
        return examples * asking.LINES
    return 0 if data.get("new_first") else examples

"""Evaluations side by side, from the database."""

from django.db.models import QuerySet

from training.evaluation.comparing import Answered, Comparison, compare
from training.frozen import DatasetDamaged, digest
from training.models import DatasetVersion, EvaluatedAnswer, Evaluation
from training.services.freezing import rows_of


def comparison(before: Evaluation, after: Evaluation) -> Comparison:
    """What changed between two evaluations; of what both were asked. Two queries."""
    return compare(_answered(before), _answered(after))


def comparable(evaluation: Evaluation) -> QuerySet[Evaluation]:
    """The others that were asked questions of the same dataset, newest first."""
    return (
        Evaluation.objects.filter(
            status=Evaluation.Status.FINISHED,
            dataset_version__dataset=evaluation.dataset_version.dataset_id,
            split=evaluation.split,
        )
        .exclude(pk=evaluation.pk)
        .select_related("dataset_version__dataset", "model_version")
    )


def not_right(evaluation: Evaluation) -> QuerySet[EvaluatedAnswer]:
    """Answers that are wrong, or missing though there is one."""
    return evaluation.answers.exclude(outcome="right")


def approvers(version: DatasetVersion) -> dict[str, str]:
    """Who approved the right answer of each held-out question, by its digest; empty for one that
    came approved in a file, and nobody at all when the version's file is damaged."""
    try:
        rows = rows_of(version)
    except DatasetDamaged:
        return {}
    return {
        digest(row.messages[:-1], row.locale): row.reviewer or row.author or ""
        for row in rows
        if row.split == "test"
    }


def _answered(evaluation: Evaluation) -> list[Answered]:
    return [
        Answered(*values)
        for values in evaluation.answers.values_list(
            "digest", "scenario", "question", "expected", "given", "outcome"
        )
    ]

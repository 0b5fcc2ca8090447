"""Vectors of searches that no model has any more.

Each tuned encoder has a name of its own, and all wordings of its bot are kept under it, some
megabytes a model. Nothing finds them again once the model is deleted, or was not published.
"""

from chat.knowledge.embedding import has_learned
from chat.models import QuestionVector
from training.models import Evaluation, ModelVersion, TrainingRun


def forget_unused() -> int:
    """Delete them; returns how many. While a run is worked nothing is deleted: what it has tuned
    is known nowhere else yet."""
    if TrainingRun.objects.filter(status=TrainingRun.Status.RUNNING).exists():
        return 0
    kept = QuestionVector.objects.values_list("embedder", flat=True).distinct()
    unused = {each for each in kept if has_learned(each)} - _in_use()
    return QuestionVector.objects.filter(embedder__in=unused).delete()[0]


def _in_use() -> set[str]:
    """What evaluations and models say that they were searched with."""
    unpublished = Evaluation.objects.filter(model_version=None, run__isnull=False)
    evaluated = Evaluation.objects.exclude(pk__in=unpublished).values_list(
        "figures__embedder", flat=True
    )
    learned = ModelVersion.objects.values_list("confidence", flat=True)
    return {str(name) for name in evaluated} | {
        str(weights.get("embedder", "")) for each in learned for weights in each.values()
    }

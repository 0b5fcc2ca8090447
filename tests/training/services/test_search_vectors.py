"""What a search has read goes when the last model goes that brought it."""

import pytest

from chat.models import QuestionVector
from tests.factories import EvaluationFactory, ModelVersionFactory, TrainingRunFactory
from training.models import ModelVersion
from training.services import registering
from training.tasks import forget_unused_vectors

pytestmark = pytest.mark.django_db

SHIPPED, EVALUATED, LEARNED, GONE = "e5/1", "e5-tuned/1", "e5-tuned/2", "e5-tuned/3"


@pytest.fixture(autouse=True)
def version() -> ModelVersion:
    for name in (SHIPPED, EVALUATED, LEARNED, GONE):
        QuestionVector.objects.create(embedder=name, digest=b"x" * 32, vector=b"")
    weights = {"intercept": 0.0, "weights": [], "embedder": LEARNED}
    version = ModelVersionFactory(confidence={"en": weights})
    EvaluationFactory(model_version=version, figures={"embedder": EVALUATED})
    return version


def kept() -> set[str]:
    return set(QuestionVector.objects.values_list("embedder", flat=True))


def test_what_no_model_has_is_forgotten(version: ModelVersion) -> None:
    forget_unused_vectors()
    assert kept() == {SHIPPED, EVALUATED, LEARNED}
    registering.delete(version)
    forget_unused_vectors()
    assert kept() == {SHIPPED}


def test_nothing_is_forgotten_while_a_run_is_worked() -> None:
    TrainingRunFactory(status="running")
    forget_unused_vectors()
    assert GONE in kept()

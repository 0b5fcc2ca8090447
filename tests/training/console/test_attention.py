"""What training adds to the console's first page."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.chat.analytics.talk import person
from tests.factories import DatasetFactory, TrainingRunFactory
from training.models import Example

pytestmark = pytest.mark.django_db

HOME = reverse("admin:index")


def waiting(page: Any) -> dict[str, int]:
    return {str(each.title): each.count for each in page.context["attention"]}


def test_examples_and_runs_wait_for_those_who_work_on_them(client: Client) -> None:
    mine, foreign = DatasetFactory(), DatasetFactory()
    for dataset in (mine, mine, foreign):
        Example.objects.create(
            dataset=dataset, messages=[], digest=str(Example.objects.count()), status="draft"
        )
    TrainingRunFactory(dataset_version__dataset=mine)
    TrainingRunFactory(dataset_version__dataset=foreign)
    TrainingRunFactory(dataset_version__dataset=mine, status="failed", finished_at=timezone.now())
    curator = person("ann", "training.view_example", "training.review_example", bots=(mine.bot,))
    client.force_login(curator)
    assert waiting(client.get(HOME)) == {"Examples to be reviewed": 2}

    client.force_login(person("ben", "training.view_trainingrun", bots=(mine.bot,)))
    assert waiting(client.get(HOME)) == {
        "Trainings under way": 1,
        "Trainings that failed in the last 7 days": 1,
    }

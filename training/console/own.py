"""Pages that show somebody their own datasets and what came of them. As :mod:`chat.console.own`."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import Q

from chat.access import Staff, bots_of
from chat.console.own import OfBots, Scopes
from chat.models import Bot
from training.access import datasets_of, model_versions_of, runs_of
from training.models import Dataset, ModelVersion, TrainingRun


class OfDatasets(OfBots):
    """``to_dataset`` leads from the model to its dataset."""

    to_dataset = "dataset"
    scopes: ClassVar[Scopes] = {
        Bot: bots_of,
        Dataset: datasets_of,
        TrainingRun: runs_of,
        ModelVersion: model_versions_of,
    }

    def mine(self, user: Staff) -> Q:
        return Q(**{f"{self.to_dataset}__in": datasets_of(user)})

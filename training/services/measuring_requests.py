"""Plans that a page asks for: measured by the trainer, so that no web server waits for minutes.

What was asked and how it went is kept beside the measurements themselves, a small file for each
order, until it is answered or asked again.
"""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError

from chat.knowledge.embedding import EmbeddingError
from training import places
from training.frozen import DatasetDamaged
from training.measuring import CannotMeasure
from training.models import DatasetVersion, ModelVersion
from training.services import planning
from training.services.ordering import Order, OrderRefused, make_order

TASK = "training.tasks.measure_plan"
FORGOTTEN_SECONDS = 1800.0
"""Nobody answered for so long: it may be asked again."""
ERROR_CHARACTERS = 500


class NoTrainer(Exception):
    """The request cannot be handed over: no broker answers."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How long ago it was asked, and why it did not work, if it did not."""

    seconds_ago: float
    error: str = ""

    @property
    def is_open(self) -> bool:
        return not self.error and self.seconds_ago < FORGOTTEN_SECONDS


def ask(order: Order) -> None:
    """Have the trainer measure ``order``. Raises :class:`NoTrainer`."""
    _keep(order)
    facts = {
        "version_id": order.dataset_version.pk,
        "recipe_name": order.recipe_name,
        "overrides": order.overrides,
        "seed": order.seed,
        "parent_id": order.parent and order.parent.pk,
    }
    try:
        current_app.send_task(TASK, kwargs=facts, retry=False)
    except (OperationalError, OSError) as error:
        _place(order).unlink(missing_ok=True)
        raise NoTrainer from error


def asked(order: Order) -> Asked | None:
    """What became of the request; None if nobody asked, or it was answered."""
    try:
        stored = json.loads(_place(order).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Asked(time.time() - stored["asked"], stored["error"])


def answer(
    version_id: int,
    recipe_name: str,
    overrides: dict[str, Any],
    seed: int,
    parent_id: int | None,
) -> None:
    """Measure what was asked, for a minute or two, unless it was answered already."""
    # It loads the embedder, which processes that only ask never need.
    from training.services.preparing import NothingToLearn

    version = DatasetVersion.objects.select_related("dataset__bot").get(pk=version_id)
    parent = parent_id and ModelVersion.objects.get(pk=parent_id)
    try:
        order = make_order(
            version, recipe_name, overrides=overrides, seed=seed, parent=parent or None
        )
    except OrderRefused:
        # Its weights are gone: the page says so without us.
        return
    request = asked(order)
    if request is None or not request.is_open:
        return
    try:
        planning.predict(order)
    except (CannotMeasure, NothingToLearn, DatasetDamaged, EmbeddingError) as error:
        _keep(order, error=str(error)[:ERROR_CHARACTERS])
    else:
        _place(order).unlink(missing_ok=True)


def _place(order: Order) -> Path:
    facts = [order.dataset_version.sha256, order.recipe, order.base, order.device, order.seed]
    facts.append(order.parent and order.parent.weights)
    named = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    return places.calibrations_folder() / f"asked-{named}.json"


def _keep(order: Order, error: str = "") -> None:
    place = _place(order)
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{place.name}.{os.getpid()}")
    partial.write_text(json.dumps({"asked": time.time(), "error": error}), encoding="utf-8")
    partial.replace(place)

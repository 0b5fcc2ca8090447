"""Predicts a run on this machine. What was once counted or measured is kept beside the runs."""

import hashlib
import json
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from chat.inference import artifacts
from training import measuring, places
from training.frozen import DatasetDamaged
from training.machine import machine
from training.measuring import Counted, NotEnoughMemory
from training.planner import SEARCH_SECONDS, Calibration, Plan, Work, plan
from training.services import freezing
from training.services.ordering import Order
from training.services.search_lessons import lessons
from training.trainer.recipe import Recipe, parse

CHECKPOINTS = 3
"""Two are kept and a third is being written."""


def predict(order: Order) -> Plan:
    """The plan of a run, measured where that was not done before: takes a minute or two.

    Raises :class:`~training.measuring.CannotMeasure`.
    """
    counted, calibration = _counted(order), _calibration(order)
    if counted is None or calibration is None:
        run = order.run()
        with measuring.prepared(run) as folder:
            counted = measuring.count(run, folder)
            _keep(_counts_place(order), asdict(counted))
            try:
                calibration = calibration or measuring.measure(folder)
            except NotEnoughMemory:
                return _plan(order, counted, measuring.does_not_fit(order.device))
            _keep(_speed_place(order), asdict(calibration))
    return _plan(order, counted, calibration)


def known(order: Order) -> Plan:
    """The plan as far as it is known, at once: without a measurement it has no minutes."""
    rows = int(order.dataset_version.counts.get("train", 0))
    if wanted := parse(order.recipe).data.examples:
        rows = min(rows, wanted)
    return _plan(order, _counted(order) or Counted(rows, 0), _calibration(order))


def _plan(order: Order, counted: Counted, calibration: Calibration | None) -> Plan:
    recipe = parse(order.recipe)
    optimisation, passes = recipe.optimisation, recipe.search.passes
    for_one_step = optimisation.batch_size * optimisation.accumulation
    weights = _weights_bytes(order)
    work = Work(
        examples=counted.examples,
        tokens=counted.tokens,
        passes=optimisation.epochs,
        steps=math.ceil(counted.examples * optimisation.epochs / for_one_step),
        held_out=int(order.dataset_version.counts.get("test", 0)),
        weights_bytes=weights,
        checkpoint_bytes=_checkpoint_bytes(recipe, weights),
        searched=passes * _questions(order) if passes else 0.0,
        search_seconds=(_stored(_search_place()) or {}).get("seconds", SEARCH_SECONDS),
    )
    places.training_folder().mkdir(parents=True, exist_ok=True)
    return plan(work, calibration, machine(order.device, places.training_folder()))


def _questions(order: Order) -> int:
    """What the search learns from; nothing where it is not one that learns."""
    if settings.CHAT_EMBEDDER not in ("auto", "e5"):
        return 0
    try:
        return len(lessons(freezing.rows_of(order.dataset_version), order.bot)[0])
    except DatasetDamaged:
        # Said by whoever reads it to learn from it.
        return 0


def keep_search_speed(seconds: float) -> None:
    """What one question in one pass took when a search was tuned on this machine."""
    _search_place().parent.mkdir(parents=True, exist_ok=True)
    _keep(_search_place(), {"seconds": seconds})


def _search_place() -> Path:
    return _place("search", threads=places.threads())


def _weights_bytes(order: Order) -> int:
    manifest = artifacts.read_manifest(places.start_folder(order.run()))
    return sum(each.size for each in manifest.files)


def _checkpoint_bytes(recipe: Recipe, weights: int) -> int:
    """What learns, and two moments of each number. An adapter is less than a tenth."""
    learned = weights if recipe.method == "full" else weights // 10
    return CHECKPOINTS * 3 * learned


def _counted(order: Order) -> Counted | None:
    stored = _stored(_counts_place(order))
    return None if stored is None else Counted(**stored)


def _calibration(order: Order) -> Calibration | None:
    stored = _stored(_speed_place(order))
    return None if stored is None else Calibration(**stored)


def _counts_place(order: Order) -> Path:
    return _place(
        "counts",
        version=order.dataset_version.sha256,
        start=str(places.start_folder(order.run())),
        data=order.recipe["data"],
        longest=order.recipe["optimisation"]["max_tokens"],
        seed=order.seed,
    )


def _speed_place(order: Order) -> Path:
    """By everything that decides how fast a step is and what it takes."""
    elsewhere = ("epochs", "learning_rate", "warmup_share", "weight_decay", "max_grad_norm")
    optimisation = order.recipe["optimisation"]
    return _place(
        "speed",
        start=str(places.start_folder(order.run())),
        device=order.device,
        threads=places.threads(),
        method=order.recipe["method"],
        lora=order.recipe["lora"],
        optimisation={k: v for k, v in optimisation.items() if k not in elsewhere},
        style=order.recipe["data"]["style"],
        candidates=order.recipe["data"]["candidates"],
    )


def _place(kind: str, **facts: Any) -> Path:
    named = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    return places.calibrations_folder() / f"{kind}-{named}.json"


def _stored(place: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _keep(place: Path, facts: dict[str, Any]) -> None:
    partial = place.with_name(f"{place.name}.{os.getpid()}")
    partial.write_text(json.dumps(facts), encoding="utf-8")
    partial.replace(place)

"""The loop: from a batch under review to a candidate at the gate, by itself wherever nobody has to decide.

Each step is taken once, whoever calls and however often: the row of the increment is locked, its
stage is looked at again, and what the step makes is written in the same transaction.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from celery import current_app
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from chat.models import Bot
from training.models import (
    DatasetVersion,
    Increment,
    ModelVersion,
    Promotion,
    ReviewDecision,
    ReviewItem,
    TrainingRun,
)
from training.services import freezing, gating, increment_state, planning, reviewing, runs
from training.services.freezing import NotFrozen
from training.services.increment_state import Stage
from training.services.ordering import Order, OrderRefused, make_order

logger = logging.getLogger(__name__)

TASK = "increments.go_on"
DEFAULT_RECIPE = "smollm2_cpu"
"""Where nothing was trained for a bot and nobody chose one."""
TIME_TO_UNDO = timedelta(minutes=10)
"""A batch is not closed sooner after its last decision: that can be taken back until then."""

_TROUBLE = 500


def advance(increment: Increment) -> Increment:
    """Take the steps that can be taken now; called again, none is taken twice."""
    current = Increment.objects.select_related("bot", "run", "closed_by").get(pk=increment.pk)
    before = None
    while not current.is_over and current.stage != before:
        before = current.stage
        current = _STEPS[Stage(current.stage)](current)
    return current


def ring() -> None:
    """After commit, have the steps taken that are due. A lost call costs minutes: the schedule calls
    too."""
    transaction.on_commit(_ring)


# Steps: each returns the increment as it is then, in the same stage when it is not its time.


def _close_if_decided(increment: Increment) -> Increment:
    """All of it is decided: whoever approved last has closed it."""
    decided = increment.items.exclude(status=ReviewItem.Status.OPEN)
    if not decided.exists() or decided.count() < increment.items.count():
        return increment
    standing = ReviewDecision.objects.filter(item__increment=increment, undone_at=None).exclude(
        verdict=ReviewDecision.Verdict.SKIP
    )
    last = standing.order_by("-created_at", "-id").first()
    if last is None or last.created_at > timezone.now() - TIME_TO_UNDO:
        return increment
    approved = standing.filter(verdict__in=reviewing.APPROVALS).order_by("-created_at", "-id")
    closer = (approved.select_related("reviewer").first() or last).reviewer
    with transaction.atomic():
        held = increment_state.locked(increment)
        if held.stage == Stage.REVIEW and not increment_state.open_items(held).exists():
            increment_state.close_batch(held, closer)
    return held


def _train(increment: Increment) -> Increment:
    """Freeze, which is the same for whoever does it, and queue the run, which is done once."""
    dataset = increment_state.dataset_of(increment.bot)
    if dataset is None:
        return _troubled(increment, _("This bot has no dataset yet: make one first."))
    note = f"increment {increment.pk}"
    try:
        version = freezing.freeze(dataset, author=increment.closed_by, note=note)
        with transaction.atomic():
            # What serves cannot change before the run that continues from it is there.
            Bot.objects.select_for_update().get(pk=increment.bot_id)
            held = increment_state.locked(increment)
            if held.stage == Stage.CLOSED:
                _queue(held, version)
    except (NotFrozen, OrderRefused, runs.DoesNotFit) as error:
        return _troubled(increment, str(error))
    return held


def _await_run(increment: Increment) -> Increment:
    run = increment.run
    assert run is not None
    if run.status == TrainingRun.Status.SUCCEEDED:
        with transaction.atomic():
            held = increment_state.locked(increment)
            if held.stage == Stage.TRAINING:
                increment_state.move(held, Stage.GATE)
                increment_state.record(
                    held, "at_gate", None, model=str(ModelVersion.objects.get(run=run))
                )
        _compare(held)
        return held
    if run.is_over:
        return _troubled(
            increment, _("Its run has ended without a model: continue the run, or cancel this.")
        )
    return _troubled(increment, "")


def _await_promotion(increment: Increment) -> Increment:
    version = ModelVersion.objects.filter(run=increment.run).first()
    promotion = Promotion.objects.filter(
        model_version=version, bot=increment.bot, kind=Promotion.Kind.PROMOTED
    ).first()
    if version is not None and promotion is None:
        return increment
    with transaction.atomic():
        held = increment_state.locked(increment)
        if held.stage == Stage.GATE:
            # Without a version somebody has deleted it.
            ended = Stage.CANCELLED if promotion is None else Stage.PROMOTED
            increment_state.end(held, ended, promotion.by if promotion else None)
    return held


_STEPS: dict[Stage, Callable[[Increment], Increment]] = {
    Stage.REVIEW: _close_if_decided,
    Stage.CLOSED: _train,
    Stage.TRAINING: _await_run,
    Stage.GATE: _await_promotion,
}


def _queue(held: Increment, version: DatasetVersion) -> None:
    """Within the transaction that holds the increment. Raises ``OrderRefused`` and ``DoesNotFit``."""
    champion = increment_state.champion_of(held.bot)
    held.dataset_version = version
    if champion is not None and champion.run is not None:
        if champion.run.dataset_version_id == version.pk:
            increment_state.end(held, Stage.NOTHING_NEW, None)
            return
        if not champion.weights:
            raise OrderRefused(
                _("The weights of %s were not kept: no training can go on from it.") % champion
            )
    order = _order(held.bot, version, champion)
    held.run = runs.queue(order, planning.known(order), created_by=held.closed_by)
    increment_state.move(held, Stage.TRAINING)
    increment_state.record(
        held, "queued", None, run=str(held.run.public_id), parent=str(order.parent or "")
    )


def _order(bot: Bot, version: DatasetVersion, champion: ModelVersion | None) -> Order:
    name, overrides = increment_state.policy_of(bot).recipe, {}
    if champion is None or champion.run is None:
        return make_order(version, name or DEFAULT_RECIPE)
    if not name:
        name, overrides = champion.run.recipe_name, dict(champion.run.overrides)
    # What is new is learned, all of it; what the champion has seen is replayed.
    order = make_order(
        version, name, overrides={**overrides, "data.new_first": True}, parent=champion
    )
    if order.base != champion.base:
        raise OrderRefused(
            _("The recipe %(recipe)s is for another base than %(model)s: choose one for %(base)s.")
            % {"recipe": name, "model": champion, "base": champion.base}
        )
    return order


def _compare(increment: Increment) -> None:
    """Have the champion asked the same questions, so that the gates have their figures."""
    version = ModelVersion.objects.filter(run=increment.run).first()
    if version is None:
        return
    case = gating.examine(version, increment.bot)
    if case.champion is not None or gating.evaluation_in_progress(case) is not None:
        return
    try:
        gating.order_champion(case)
    except gating.NotMeasured as error:
        # The page of the promotion says so, too, and orders it again.
        logger.warning("increment %s: %s", increment.pk, error)


def _troubled(increment: Increment, text: str) -> Increment:
    """Say why it does not get on; it is tried again."""
    increment.trouble = text[:_TROUBLE]
    Increment.objects.filter(pk=increment.pk, stage=increment.stage).update(
        trouble=increment.trouble
    )
    return increment


def _ring() -> None:
    try:
        current_app.send_task(TASK, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("broker unreachable (%s): nobody called", type(error).__name__)

"""The loop: from a batch of proposals to a candidate at the gate, with people deciding.

Each step is taken once, whoever calls and however often: the row of the increment is locked, its
stage is looked at again, and what the step makes is written in the same transaction.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, TypeVar

from celery import current_app
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from chat.access import bots_of
from chat.knowledge.embedding import EmbeddingError
from chat.models import Bot, Deployment
from moderation.actors import named
from moderation.services import audit
from training.models import (
    Dataset,
    DatasetVersion,
    Example,
    FrozenExample,
    Increment,
    IncrementPolicy,
    ModelVersion,
    Promotion,
    ReviewDecision,
    ReviewItem,
    TrainingRun,
)
from training.services import freezing, gating, planning, proposing, reviewing, runs
from training.services.freezing import NotFrozen
from training.services.ordering import Order, OrderRefused, make_order

logger = logging.getLogger(__name__)

TASK = "increments.go_on"
DEFAULT_RECIPE = "smollm2_cpu"
"""Where nothing was trained for a bot and nobody chose one."""
TIME_TO_UNDO = timedelta(minutes=10)
"""A batch is not closed sooner after its last decision: that can be taken back until then."""

PROPOSE = "training.review_example"
CLOSE = "training.approve_example"
"""Who approves an increment starts its training, and does not promote what comes out of it."""

Stage = Increment.Stage
_TROUBLE = 500


class IncrementRefused(ValueError):
    """It cannot be done; the text says why, to a person. Nothing changed."""


def propose(
    bot: Bot,
    *,
    by: User | None,
    slot: date | None,
    size: int | None = None,
    fewest: int = 1,
) -> Increment:
    """Open a batch with what is worth most, balanced over topics.

    ``size`` counts what was approved since the model in service was made; ``slot`` is the first
    day of a period that has none yet; with less than ``fewest`` nothing is opened. Raises
    :class:`IncrementRefused`.
    """
    if by is not None:
        _check(by, bot, PROPOSE)
    wanted = size or policy_of(bot).size
    champion = champion_of(bot)
    already = approved_since(bot, champion)
    try:
        with transaction.atomic():
            _make_room(bot, by)
            # For a first model nothing counts as learned next: all of it is.
            chosen = _chosen(bot, wanted - already if champion else wanted)
            if len(chosen) + already < fewest:
                raise IncrementRefused(_("There is nothing to learn yet."))
            increment = Increment.objects.create(
                bot=bot, slot=slot, size=wanted, already=already, proposed_by=by
            )
            _free(bot).filter(pk__in=chosen).update(increment=increment)
            _record(increment, "proposed", by, proposals=len(chosen))
    except IntegrityError:
        # Somebody else was quicker by an instant.
        raise IncrementRefused(_already_open()) from None
    return increment


def look_again(bot: Bot) -> None:
    """Put what conversations taught since the last hour into the queue, for somebody who asks."""
    try:
        proposing.propose(bot)
    except EmbeddingError as error:
        # What waits already can be learned all the same.
        logger.warning("nothing was proposed for %s: %s", bot.slug, error)


def close(increment: Increment, *, by: User) -> Increment:
    """Approve the batch as it stands: what is not decided goes back to the queue.

    ``by`` counts as who starts the training. Raises :class:`IncrementRefused`.
    """
    _check(by, increment.bot, CLOSE)
    with transaction.atomic():
        held = _locked(increment)
        if held.stage != Stage.REVIEW:
            raise IncrementRefused(_("This batch is closed already."))
        _close(held, by)
    return held


def cancel(increment: Increment, *, by: User) -> Increment:
    """Learn nothing from it now: a training is stopped, a candidate stays a model among others.

    What was approved stays approved. Cancelling twice changes nothing. Raises
    :class:`IncrementRefused`.
    """
    _check(by, increment.bot, CLOSE)
    with transaction.atomic():
        held = _locked(increment)
        if held.is_over:
            return held
        if held.run is not None and not held.run.is_over:
            runs.request_cancel(held.run)
        _end(held, Stage.CANCELLED, by)
    return held


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


def policy_of(bot: Bot) -> IncrementPolicy:
    """What somebody chose for the bot, else the defaults."""
    return IncrementPolicy.objects.filter(bot=bot).first() or IncrementPolicy(bot=bot)


def champion_of(bot: Bot) -> ModelVersion | None:
    """What serves the bot, when it was trained here."""
    # Of a bot that is switched off, too: what it learns next goes on from there.
    deployment = Deployment.objects.filter(bot=bot, is_active=True).first()
    if deployment is None or not deployment.artifact:
        return None
    return (
        ModelVersion.objects.filter(artifact=deployment.artifact)
        .select_related("run__dataset_version", "run__parent")
        .first()
    )


def approved_since(bot: Bot, champion: ModelVersion | None) -> int:
    """How many approved examples ``champion`` did not have."""
    dataset = _dataset(bot)
    if dataset is None:
        return 0
    approved = dataset.examples.filter(status=Example.Status.APPROVED)
    if champion is not None and champion.run is not None:
        learned = FrozenExample.objects.filter(version=champion.run.dataset_version_id)
        approved = approved.exclude(digest__in=learned.values("digest"))
    return approved.count()


def may_propose(user: User, bot: Bot) -> bool:
    return _may(user, bot, PROPOSE)


def may_close(user: User, bot: Bot) -> bool:
    return _may(user, bot, CLOSE)


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
        held = _locked(increment)
        if held.stage == Stage.REVIEW and not _open_items(held).exists():
            _close(held, closer)
    return held


def _train(increment: Increment) -> Increment:
    """Freeze, which is the same for whoever does it, and queue the run, which is done once."""
    dataset = _dataset(increment.bot)
    if dataset is None:
        return _troubled(increment, _("This bot has no dataset yet: make one first."))
    note = f"increment {increment.pk}"
    try:
        version = freezing.freeze(dataset, author=increment.closed_by, note=note)
        with transaction.atomic():
            # What serves cannot change before the run that continues from it is there.
            Bot.objects.select_for_update().get(pk=increment.bot_id)
            held = _locked(increment)
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
            held = _locked(increment)
            if held.stage == Stage.TRAINING:
                _move(held, Stage.GATE)
                _record(held, "at_gate", None, model=str(ModelVersion.objects.get(run=run)))
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
        held = _locked(increment)
        if held.stage == Stage.GATE:
            # Without a version somebody has deleted it.
            ended = Stage.CANCELLED if promotion is None else Stage.PROMOTED
            _end(held, ended, promotion.by if promotion else None)
    return held


_STEPS: dict[Stage, Callable[[Increment], Increment]] = {
    Stage.REVIEW: _close_if_decided,
    Stage.CLOSED: _train,
    Stage.TRAINING: _await_run,
    Stage.GATE: _await_promotion,
}


def _queue(held: Increment, version: DatasetVersion) -> None:
    """Within the transaction that holds the increment. Raises ``OrderRefused`` and ``DoesNotFit``."""
    champion = champion_of(held.bot)
    held.dataset_version = version
    if champion is not None and champion.run is not None:
        if champion.run.dataset_version_id == version.pk:
            _end(held, Stage.NOTHING_NEW, None)
            return
        if not champion.weights:
            raise OrderRefused(
                _("The weights of %s were not kept: no training can go on from it.") % champion
            )
    order = _order(held.bot, version, champion)
    held.run = runs.queue(order, planning.known(order), created_by=held.closed_by)
    _move(held, Stage.TRAINING)
    _record(held, "queued", None, run=str(held.run.public_id), parent=str(order.parent or ""))


def _order(bot: Bot, version: DatasetVersion, champion: ModelVersion | None) -> Order:
    name, overrides = policy_of(bot).recipe, {}
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


def _chosen(bot: Bot, count: int) -> list[int]:
    """Ids of the proposals for a batch: of each topic in turn the one that is worth most.

    The second of those that ask nearly the same is worth half of its value, the third a third.
    """
    free = _free(bot).order_by("-value", "id")
    topics: dict[str, list[tuple[float, int]]] = defaultdict(list)
    asked: Counter[str] = Counter()
    for pk, topic, value, cluster in free.values_list("pk", "scenario", "value", "cluster"):
        asked[cluster] += 1
        topics[topic].append((value / asked[cluster], pk))
    ranked = [sorted(each, key=lambda one: (-one[0], one[1])) for each in topics.values()]
    ranked.sort(key=lambda each: -each[0][0])
    return [pk for _, pk in _in_turn(ranked)][: max(0, count)]


_T = TypeVar("_T")


def _in_turn(ranked: list[list[_T]]) -> Iterable[_T]:
    for place in range(max(map(len, ranked), default=0)):
        yield from (each[place] for each in ranked if place < len(each))


def _free(bot: Bot) -> Any:
    """What no batch waits for: of a closed one something may have been taken back."""
    waiting = ReviewItem.objects.filter(bot=bot, status=ReviewItem.Status.OPEN)
    return waiting.exclude(increment__stage=Stage.REVIEW)


def _open_items(increment: Increment) -> Any:
    return increment.items.filter(status=ReviewItem.Status.OPEN)


def _make_room(bot: Bot, by: User | None) -> None:
    """One at a time: what still waits at the gate is passed over, anything else goes first."""
    current = Increment.objects.select_for_update(of=("self",)).filter(bot=bot, ended_at=None)
    for each in current.select_related("bot", "run"):
        if each.stage != Stage.GATE:
            raise IncrementRefused(_already_open())
        _end(each, Stage.PASSED_OVER, by)


def _close(held: Increment, by: User) -> None:
    left = _open_items(held).update(increment=None)
    held.closed_by, held.closed_at = by, timezone.now()
    held.save(update_fields=["closed_by", "closed_at"])
    _move(held, Stage.CLOSED)
    _record(held, "closed", by, undecided=left)


def _end(held: Increment, stage: Stage, by: User | None) -> None:
    _open_items(held).update(increment=None)
    held.ended_by, held.ended_at = by, timezone.now()
    held.save(update_fields=["ended_by", "ended_at"])
    _move(held, stage)
    _record(held, stage, by)


def _move(held: Increment, stage: Stage) -> None:
    held.stage, held.trouble = stage, ""
    held.save(update_fields=["stage", "trouble", "run", "dataset_version"])


def _troubled(increment: Increment, text: str) -> Increment:
    """Say why it does not get on; it is tried again."""
    increment.trouble = text[:_TROUBLE]
    Increment.objects.filter(pk=increment.pk, stage=increment.stage).update(
        trouble=increment.trouble
    )
    return increment


def _locked(increment: Increment) -> Increment:
    rows = Increment.objects.select_for_update(of=("self",)).select_related(
        "bot", "run", "closed_by"
    )
    return rows.get(pk=increment.pk)


def _dataset(bot: Bot) -> Dataset | None:
    """Where reviewing puts what is approved."""
    return Dataset.objects.filter(bot=bot).order_by("id").last()


def _ring() -> None:
    try:
        current_app.send_task(TASK, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("broker unreachable (%s): nobody called", type(error).__name__)


def _may(user: User, bot: Bot, permission: str) -> bool:
    return user.has_perm(permission) and bots_of(user).filter(pk=bot.pk).exists()


def _check(user: User, bot: Bot, permission: str) -> None:
    if not _may(user, bot, permission):
        raise IncrementRefused(_("You may not do this for this bot."))


def _already_open() -> str:
    return _("The last increment of this bot has not been trained yet: one at a time.")


def _record(increment: Increment, what: str, by: User | None, **facts: object) -> None:
    audit.record(
        f"increment.{what}",
        target=f"increment:{increment.public_id}",
        bot=increment.bot.slug,
        facts=facts,
        by=named(by),
    )

"""What people decide about increments: one is opened, its batch closed, or it is cancelled.

The schedule opens them, too. The row of the increment is locked, and its stage looked at again.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from chat.access import bots_of
from chat.knowledge.embedding import EmbeddingError
from chat.models import Bot
from training.models import Example, FrozenExample, Increment, ModelVersion, ReviewItem
from training.services import increment_state, proposing, runs
from training.services.increment_state import Stage

logger = logging.getLogger(__name__)

PROPOSE = "training.review_example"
CLOSE = "training.approve_example"
"""Who approves an increment starts its training, and does not promote what comes out of it."""


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
    wanted = size or increment_state.policy_of(bot).size
    champion = increment_state.champion_of(bot)
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
            increment_state.record(increment, "proposed", by, proposals=len(chosen))
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
        held = increment_state.locked(increment)
        if held.stage != Stage.REVIEW:
            raise IncrementRefused(_("This batch is closed already."))
        increment_state.close_batch(held, by)
    return held


def cancel(increment: Increment, *, by: User) -> Increment:
    """Learn nothing from it now: a training is stopped, a candidate stays a model among others.

    What was approved stays approved. Cancelling twice changes nothing. Raises
    :class:`IncrementRefused`.
    """
    _check(by, increment.bot, CLOSE)
    with transaction.atomic():
        held = increment_state.locked(increment)
        if held.is_over:
            return held
        if held.run is not None and not held.run.is_over:
            runs.request_cancel(held.run)
        increment_state.end(held, Stage.CANCELLED, by)
    return held


def approved_since(bot: Bot, champion: ModelVersion | None) -> int:
    """How many approved examples ``champion`` did not have."""
    dataset = increment_state.dataset_of(bot)
    if dataset is None:
        return 0
    approved = dataset.examples.filter(status=Example.Status.APPROVED)
    if champion is not None and champion.run is not None:
        learned = FrozenExample.objects.filter(version=champion.run.dataset_version_id)
        approved = approved.exclude(digest__in=learned.values("digest"))
    return approved.count()


def may_close(user: User, bot: Bot) -> bool:
    return _may(user, bot, CLOSE)


def _make_room(bot: Bot, by: User | None) -> None:
    """One at a time: what still waits at the gate is passed over, anything else goes first."""
    current = Increment.objects.select_for_update(of=("self",)).filter(bot=bot, ended_at=None)
    for each in current.select_related("bot", "run"):
        if each.stage != Stage.GATE:
            raise IncrementRefused(_already_open())
        increment_state.end(each, Stage.PASSED_OVER, by)


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


def _may(user: User, bot: Bot, permission: str) -> bool:
    return user.has_perm(permission) and bots_of(user).filter(pk=bot.pk).exists()


def _check(user: User, bot: Bot, permission: str) -> None:
    if not _may(user, bot, permission):
        raise IncrementRefused(_("You may not do this for this bot."))


def _already_open() -> str:
    return _("The last increment of this bot has not been trained yet: one at a time.")

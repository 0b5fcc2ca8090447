"""Experiments in service: begun by people, ended by statistics or by people.

What counts is whether a conversation was resolved without a person, as analytics defines it
(docs/analytics.md), once it is over. Counted by arm of the visitor, whoever answered: a runner that
could not load the challenger for a while then makes the two alike, never one of them better.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from chat.analytics.selectors import Outcome, with_outcome
from chat.models import Bot, Conversation
from chat.models import Split as Traffic
from chat.selectors import active_deployments
from chat.services import splitting
from chat.services.deploying import Model, Outdated
from chat.services.splitting import AlreadySplit
from moderation.actors import named
from moderation.services import audit
from training.experiments.planning import ImpossibleEffect, Plan, plan
from training.experiments.verdicts import Arm, Reading, Verdict, read
from training.models import Experiment, ModelVersion
from training.services import gating
from training.services.promoting import (
    GatesClosed,
    Refused,
    check_may_promote,
    checked_reason,
    works_on,
)

LOOK_BACK = timedelta(days=30)
FEWEST_BEFORE = 30
USUAL_RATE = 0.6
"""Where a bot has had too few conversations to know its own."""


def start(version: ModelVersion, bot: Bot, by: User, *, share: int, effect: float) -> Experiment:
    """Let ``version`` answer ``share`` percent of the visitors until it is known whether it is better.

    The same people may who may promote it, and its gates are open: customers are no test bench.
    Raises :class:`~training.services.promoting.Refused`.
    """
    check_may_promote(version, bot, by)
    case = gating.examine(version, bot)
    if case.closed:
        raise GatesClosed(case.closed)
    if case.deployment is None:
        raise Refused("nothing_serves", gettext("Nothing serves this bot."))
    base = _rate_before(bot)
    try:
        planned = plan(base, effect)
    except ImpossibleEffect:
        raise Refused("effect", gettext("No number of customers can show that.")) from None
    model = Model(
        artifact=version.artifact,
        manifest_sha256=version.manifest_sha256,
        confidence=version.confidence,
    )
    try:
        with transaction.atomic():
            traffic = splitting.begin(bot, model, share, beside=case.deployment, by=by)
            experiment = Experiment.objects.create(
                bot=bot,
                model_version=version,
                traffic=traffic,
                base=base,
                effect=effect,
                per_arm=planned.per_arm,
                started_by=by,
            )
            _record(experiment, "started", by)
    except AlreadySplit:
        raise Refused("already", gettext("Another model is being tried on this bot.")) from None
    except Outdated:
        raise Refused("outdated", gettext("Something else serves this bot by now.")) from None
    return experiment


@transaction.atomic
def advance(experiment: Experiment) -> Experiment:
    """Take the looks that are due, each once, and end what they decide."""
    held = Experiment.objects.select_for_update(of=("self",)).get(pk=experiment.pk)
    if held.ended_at is not None:
        return held
    traffic = Traffic.objects.get(pk=held.traffic_id)
    serving = active_deployments().filter(bot=held.bot_id).first()
    if traffic.ended_at is not None or serving is None or serving.pk != traffic.champion_id:
        return _end(held, Experiment.Verdict.OUTDATED, None)
    champion, challenger = arms(held)
    due = plan_of(held).look_at(min(champion.total, challenger.total))
    while len(held.looks) < due:
        held.looks.append([[each.good, each.total] for each in (champion, challenger)])
    held.save(update_fields=["looks"])
    found = read_arms(held, champion, challenger)
    if found.verdict is Verdict.RUNNING:
        return held
    return _end(held, Experiment.Verdict(found.verdict.value), None)


@transaction.atomic
def end(experiment: Experiment, by: User, reason: str) -> Experiment:
    """Somebody ends it, and says why: everybody is answered by the champion again. Ending it twice
    changes nothing.

    Raises :class:`~training.services.promoting.Refused`.
    """
    if not by.has_perm("training.promote_modelversion") or not works_on(by, experiment.bot):
        raise Refused("forbidden", gettext("You may not end experiments with this bot."))
    reason = checked_reason(reason)
    held = Experiment.objects.select_for_update(of=("self",)).get(pk=experiment.pk)
    if held.ended_at is not None:
        return held
    return _end(held, Experiment.Verdict.ENDED, by, reason)


def reading(experiment: Experiment) -> Reading:
    """Where it stands."""
    return read_arms(experiment, *arms(experiment))


class Counted(NamedTuple):
    """A conversation that counts. ``arm`` is 0 for the champion, 1 for the challenger."""

    arm: int
    conversation: int
    visitor: int
    began_at: datetime
    outcome: Outcome
    rating: int | None


def arms(experiment: Experiment) -> tuple[Arm, Arm]:
    """Champion and challenger: what counts, and what of it was resolved without a person."""
    good, total = [0, 0], [0, 0]
    for each in counted(experiment):
        total[each.arm] += 1
        good[each.arm] += each.outcome is Outcome.RESOLVED
    return Arm(good[0], total[0]), Arm(good[1], total[1])


def counted(experiment: Experiment) -> Iterator[Counted]:
    """Each visitor's first conversation since the start, once it is over."""
    traffic = experiment.traffic
    since = Conversation.objects.filter(
        bot=experiment.bot_id, created_at__gte=traffic.started_at, last_seq__gt=0
    )
    if experiment.ended_at is not None:
        since = since.filter(created_at__lt=experiment.ended_at)
    seen: set[int] = set()
    rows = (
        with_outcome(since)
        .order_by("id")
        .values_list("visitor__public_id", "id", "visitor", "created_at", "outcome", "rating")
    )
    for public_id, pk, visitor, began_at, outcome, rating in rows.iterator(chunk_size=2000):
        if visitor in seen:
            continue
        seen.add(visitor)
        if outcome != Outcome.OPEN:
            arm = int(traffic.is_challengers(public_id))
            yield Counted(arm, pk, visitor, began_at, Outcome(outcome), rating)


def plan_of(experiment: Experiment) -> Plan:
    return Plan(experiment.base, experiment.effect, experiment.per_arm)


def read_arms(experiment: Experiment, champion: Arm, challenger: Arm) -> Reading:
    """Where it stands when these are its arms."""
    looks = tuple((Arm(*one), Arm(*other)) for one, other in experiment.looks)
    return read(plan_of(experiment), looks, (champion, challenger))


def _rate_before(bot: Bot) -> float:
    recent = Conversation.objects.filter(
        bot=bot, created_at__gte=timezone.now() - LOOK_BACK, last_seq__gt=0
    )
    over = with_outcome(recent).exclude(outcome=Outcome.OPEN)
    total = over.count()
    if total < FEWEST_BEFORE:
        return USUAL_RATE
    # A rate of 0 or 1 could not be planned with.
    return min(0.98, max(0.02, over.filter(outcome=Outcome.RESOLVED).count() / total))


def _end(
    held: Experiment, verdict: Experiment.Verdict, by: User | None, reason: str = ""
) -> Experiment:
    held.verdict, held.ended_by, held.ended_at = verdict, by, timezone.now()
    held.end_reason = reason
    held.save(update_fields=["verdict", "ended_by", "ended_at", "end_reason"])
    splitting.end(held.traffic)
    _record(held, "ended", by)
    return held


def _record(experiment: Experiment, what: str, by: User | None) -> None:
    audit.record(
        f"experiment.{what}",
        target=f"experiment:{experiment.public_id}",
        bot=experiment.bot.slug,
        facts={
            "model": str(experiment.model_version),
            "share": experiment.traffic.share,
            "per_arm": experiment.per_arm,
            "looks": experiment.looks,
            "verdict": experiment.verdict,
        },
        by=named(by),
    )

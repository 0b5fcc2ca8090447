"""Where an increment stands, and what its bot goes on from.

What people decide and what goes on by itself both move it with these. Whoever changes a row has
locked it first, and looks at its stage again.
"""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import Bot, Deployment
from moderation.actors import named
from moderation.services import audit
from training.models import Dataset, Increment, IncrementPolicy, ModelVersion, ReviewItem

Stage = Increment.Stage


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


def dataset_of(bot: Bot) -> Dataset | None:
    """Where reviewing puts what is approved."""
    return Dataset.objects.filter(bot=bot).order_by("id").last()


def locked(increment: Increment) -> Increment:
    rows = Increment.objects.select_for_update(of=("self",)).select_related(
        "bot", "run", "closed_by"
    )
    return rows.get(pk=increment.pk)


def open_items(increment: Increment) -> Any:
    return increment.items.filter(status=ReviewItem.Status.OPEN)


def close_batch(held: Increment, by: User) -> None:
    left = open_items(held).update(increment=None)
    held.closed_by, held.closed_at = by, timezone.now()
    held.save(update_fields=["closed_by", "closed_at"])
    move(held, Stage.CLOSED)
    record(held, "closed", by, undecided=left)


def end(held: Increment, stage: Stage, by: User | None) -> None:
    open_items(held).update(increment=None)
    held.ended_by, held.ended_at = by, timezone.now()
    held.save(update_fields=["ended_by", "ended_at"])
    move(held, stage)
    record(held, stage, by)


def move(held: Increment, stage: Stage) -> None:
    held.stage, held.trouble = stage, ""
    held.save(update_fields=["stage", "trouble", "run", "dataset_version"])


def record(increment: Increment, what: str, by: User | None, **facts: object) -> None:
    audit.record(
        f"increment.{what}",
        target=f"increment:{increment.public_id}",
        bot=increment.bot.slug,
        facts=facts,
        by=named(by),
    )

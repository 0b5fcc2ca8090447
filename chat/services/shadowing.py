"""A candidate begins to answer a sample of a bot's questions, seen by no customer."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from chat.models import Bot, Deployment, Message, Shadow
from chat.services import deploying, publishing
from chat.services.deploying import Model, Outdated
from moderation.actors import named
from moderation.services import audit


class AlreadyShadowed(Exception):
    """Another candidate answers in the shadow of what serves the bot."""


@dataclass(frozen=True, slots=True)
class Sample:
    """``share`` percent of the replies from now on, ``limit`` of them at most."""

    share: int
    limit: int


@transaction.atomic
def begin(
    bot: Bot, model: Model, sample: Sample, *, beside: Deployment, by: User | None = None
) -> Shadow:
    """Let ``model`` answer a sample of what ``beside`` answers from now on.

    Raises :class:`AlreadyShadowed`, and :class:`~chat.services.deploying.Outdated` when something
    else than ``beside`` serves by now.
    """
    held = deploying.lock(bot)
    if open_of(held) is not None:
        raise AlreadyShadowed
    if held.deployments.filter(is_active=True).first() != beside:
        raise Outdated
    shadow = Shadow.objects.create(
        bot=held,
        champion=beside,
        candidate=deploying.stand_by(held, model, by=by),
        share=sample.share,
        limit=sample.limit,
        looked_to=Message.objects.aggregate(newest=Max("pk"))["newest"] or 0,
        started_by=by,
    )
    publishing.call_runners("deployment", bot=held.pk)
    audit.record(
        "shadow.started",
        target=f"shadow:{shadow.public_id}",
        bot=held.slug,
        facts={
            "artifact": model.artifact,
            "manifest_sha256": model.manifest_sha256,
            "share": sample.share,
            "limit": sample.limit,
        },
        by=named(by),
    )
    return shadow


def open_of(bot: Bot) -> Shadow | None:
    return Shadow.objects.filter(bot=bot, ended_at=None).first()

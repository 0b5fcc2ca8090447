"""A challenger answers a share of a bot's visitors, beside what serves, until the split ends."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat.models import Bot, Deployment, Shadow, Split
from chat.services import deploying, publishing
from chat.services.deploying import Model, Outdated

LONGEST_TROUBLE = 300


class AlreadySplit(Exception):
    """Another challenger answers some of the bot's visitors."""


@transaction.atomic
def begin(
    bot: Bot, model: Model, share: int, *, beside: Deployment, by: User | None = None
) -> Split:
    """Let ``model`` answer ``share`` percent of the visitors, ``beside`` the others.

    Raises :class:`AlreadySplit`, and :class:`~chat.services.deploying.Outdated` when something else
    than ``beside`` serves by now.
    """
    held = deploying.lock(bot)
    if open_of(held) is not None:
        raise AlreadySplit
    if held.deployments.filter(is_active=True).first() != beside:
        raise Outdated
    challenger = deploying.stand_by(held, model, by=by)
    split = Split.objects.create(bot=held, champion=beside, challenger=challenger, share=share)
    publishing.call_runners("deployment", bot=held.pk)
    return split


@transaction.atomic
def end(split: Split) -> bool:
    """Everybody is answered by the champion from the next answer on. False if it had ended."""
    ended = Split.objects.filter(pk=split.pk, ended_at=None).update(ended_at=timezone.now())
    if ended:
        publishing.call_runners("deployment", bot=split.bot_id)
    return bool(ended)


def open_of(bot: Bot) -> Split | None:
    return Split.objects.filter(bot=bot, ended_at=None).first()


def note_trouble(beside: Split | Shadow, text: str) -> None:
    """Why the challenger, or the candidate of a shadow, does not answer; empty when it does."""
    text = text[:LONGEST_TROUBLE]
    rows = type(beside).objects.filter(pk=beside.pk)
    rows.exclude(trouble=text).update(trouble=text)

"""When the next increment is due: each period has one, whoever keeps the time and how well."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models.functions import Now

from chat.models import Bot
from training.models import Increment
from training.services import increment_decisions, increment_state
from training.services.increment_decisions import IncrementRefused

SHARE_TO_BEGIN = 0.1
"""Of the size; with less than that nobody is asked to review a batch."""


def propose_due(bot: Bot, *, now: datetime | None = None) -> Increment | None:
    """The increment of this period, if it is due: nobody has made it, none is under way, and there is
    enough to learn. The row's (bot, slot) is unique, so of two that ask at once one gets it."""
    policy = increment_state.policy_of(bot)
    if not policy.is_scheduled:
        return None
    slot = slot_of(now or database_now(bot), policy.days)
    # A later one: a clock went back, and what is past is not made up for.
    if Increment.objects.filter(bot=bot, slot__gte=slot).exists():
        return None
    try:
        return increment_decisions.propose(
            bot, by=None, slot=slot, fewest=max(1, round(policy.size * SHARE_TO_BEGIN))
        )
    except IncrementRefused:
        return None


def free_slot(bot: Bot) -> date | None:
    """The present period, for somebody who asks before the schedule does; None if it had one."""
    slot = slot_of(database_now(bot), increment_state.policy_of(bot).days)
    return None if Increment.objects.filter(bot=bot, slot__gte=slot).exists() else slot


def slot_of(now: datetime, days: int) -> date:
    """The first day of the period of ``days`` that ``now`` is in; of its month for 0."""
    day = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    return (
        date.fromordinal(day.toordinal() - day.toordinal() % days) if days else day.replace(day=1)
    )


def database_now(bot: Bot) -> datetime:
    """The one clock that all machines share."""
    return Bot.objects.annotate(now=Now()).values_list("now", flat=True).get(pk=bot.pk)

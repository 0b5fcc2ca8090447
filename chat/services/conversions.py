"""A site tells what became of its visitors: kept once each, few a day, beside their conversation."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from chat import tokens
from chat.limits import RateLimited
from chat.models import Conversion, Visitor
from moderation.services import audit

ATTRIBUTION = timedelta(days=7)
"""A conversation that was silent for longer had no part in it."""
DAY = timedelta(days=1)
MOST_PER_DAY = 50


@dataclass(frozen=True, slots=True)
class Event:
    """``key`` names it for the site: the same one is kept once. ``name`` as in the model."""

    key: str
    name: str
    value: Decimal | None = None


@transaction.atomic
def record(visitor: Visitor, event: Event) -> tuple[Conversion | None, bool]:
    """Keep it, and say whether it is new. None: no conversation is recent enough to have led to it.

    Raises :class:`~chat.limits.RateLimited` when the visitor had enough of them within a day.
    """
    # Two tabs that tell at once are one after the other.
    held = Visitor.objects.select_for_update().get(pk=visitor.pk)
    digest = tokens.digest(event.key)
    known = held.conversions.filter(key_digest=digest).select_related("conversation").first()
    if known is not None:
        return known, False
    now = timezone.now()
    conversation = (
        held.conversations.filter(last_seq__gt=0, updated_at__gte=now - ATTRIBUTION)
        .select_related("bot")
        .order_by("-updated_at", "-pk")
        .first()
    )
    if conversation is None:
        return None, False
    _check_day(held)
    conversion = Conversion.objects.create(
        visitor=held,
        conversation=conversation,
        key_digest=digest,
        name=event.name,
        value=event.value,
    )
    # Not its name: the trail cannot be erased, and a site may put anything into one.
    audit.record(
        "conversation.converted",
        target=f"conversation:{conversation.public_id}",
        bot=conversation.bot.slug,
    )
    return conversion, True


def _check_day(visitor: Visitor) -> None:
    now = timezone.now()
    times = (
        visitor.conversions.filter(at__gt=now - DAY).order_by("-at").values_list("at", flat=True)
    )
    newest = list(times[:MOST_PER_DAY])
    if len(newest) == MOST_PER_DAY:
        raise RateLimited(max(1, round((newest[-1] + DAY - now).total_seconds())))

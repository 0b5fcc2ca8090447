"""Conversations are kept as long as their bot says, and then erased with all that belongs to them."""

import time
from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from chat.models import Bot, Visitor
from moderation.services import audit
from training.services import erasing

BATCH = 200
"""Conversations erased in one transaction: others wait for it on SQLite."""
SECONDS = 240.0
"""One run stops after so long; the next one goes on."""


def apply(
    *, now: datetime | None = None, batch: int = BATCH, seconds: float = SECONDS
) -> Counter[str]:
    """Erase what is too old, whether it was closed or fell silent; returns what, by kind of row.

    May be stopped at any moment, and run beside itself. The audit trail counts, and names nobody.
    """
    until = time.monotonic() + seconds
    counts: Counter[str] = Counter()
    for bot in Bot.objects.exclude(retention_days=None).order_by("pk"):
        assert bot.retention_days is not None
        before = (now or timezone.now()) - timedelta(days=bot.retention_days)
        while time.monotonic() < until and (erased := _apply_to(bot, before, batch)):
            counts += erased
    return counts


def _apply_to(bot: Bot, before: datetime, batch: int) -> Counter[str]:
    """One batch; nothing when nothing is too old."""
    old = bot.conversations.filter(updated_at__lt=before).order_by("pk")
    ids = list(old.values_list("pk", flat=True)[:batch])
    if not ids:
        return _forget_visitors(bot, before, batch)
    with transaction.atomic():
        # Whoever wrote again meanwhile is not erased.
        erasure = erasing.erase_conversations(bot, old.filter(pk__in=ids))
    counts = Counter(erasure.counts)
    erasing.finish(erasure)
    return counts


@transaction.atomic
def _forget_visitors(bot: Bot, before: datetime, batch: int) -> Counter[str]:
    """Those who have no conversation any more."""
    silent = Visitor.objects.filter(bot=bot, created_at__lt=before, conversations=None)
    ids = list(silent.order_by("pk").values_list("pk", flat=True)[:batch])
    if not ids:
        return Counter()
    # Nobody begins to talk once their row is held; who did just before is kept.
    list(Visitor.objects.select_for_update().filter(pk__in=ids))
    deleted, _by_model = Visitor.objects.filter(pk__in=ids, conversations=None).delete()
    counts = Counter({"chat.visitor": deleted})
    audit.record("retention.applied", bot=bot.slug, facts={"counts": counts})
    return counts

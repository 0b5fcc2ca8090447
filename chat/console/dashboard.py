"""The console's first page: what waits for the person who looks, and how the week went."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.access import bots_of
from chat.analytics.periods import Period
from chat.analytics.report import totals
from chat.console.attention import waiting_for
from chat.console.tiles import Tile, tiles

DAYS = 7


def context(request: HttpRequest, shown: dict[str, Any]) -> dict[str, Any]:
    """Called by the theme for its index."""
    user = request.user
    if not isinstance(user, User):
        return shown
    return {
        **shown,
        "title": _("Overview"),
        "attention": waiting_for(user),
        "week": _week(user),
        "analytics": reverse("admin:analytics"),
    }


def _week(user: User) -> list[Tile]:
    """Nothing for those who may not see figures, or work on no bot."""
    if not user.has_perm("chat.view_analytics"):
        return []
    bots = list(bots_of(user).values_list("pk", flat=True))
    if not bots:
        return []
    period = Period.up_to(timezone.localdate(), DAYS)
    now, before = totals(bots, period, timezone.get_current_timezone())
    return tiles(now, before) if now.conversations or before.conversations else []

"""Limits hold for all processes together, and still hold when Valkey is gone."""

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from chat import limits
from chat.limits import RateLimited

RULE = "CHAT_RATE_MESSAGES_PER_VISITOR"


def test_the_event_after_the_last_allowed_one_is_refused(settings: Settings) -> None:
    settings.CHAT_RATE_MESSAGES_PER_VISITOR = "2/hour"

    limits.hit(RULE, "ann")
    limits.hit(RULE, "ann")
    with pytest.raises(RateLimited) as refused:
        limits.hit(RULE, "ann")

    assert 0 < refused.value.retry_after <= 3600
    limits.hit(RULE, "bob")


def test_limits_hold_without_valkey(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CHAT_RATE_MESSAGES_PER_VISITOR = "2/hour"
    settings.VALKEY_URL = "unix:///nowhere/valkey.sock?db=0"
    limits._shared.cache_clear()
    try:
        limits.hit(RULE, "carol")
        limits.hit(RULE, "carol")
        with pytest.raises(RateLimited):
            limits.hit(RULE, "carol")
    finally:
        limits._shared.cache_clear()


@pytest.mark.parametrize("rule", [r for r in dir(django_settings) if r.startswith("CHAT_RATE_")])
def test_every_default_rate_can_be_read(rule: str) -> None:
    limits.hit(rule, "anyone")

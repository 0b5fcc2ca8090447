"""How often somebody may do something: counted in Valkey, for all processes together.

Without Valkey each process counts for itself: stricter than nothing, and never open.
"""

import logging
import time
from functools import cache

from django.conf import settings
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

logger = logging.getLogger(__name__)


class RateLimited(Exception):
    """Too often. ``retry_after`` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class FrameRate:
    """How often one socket may send: counted by the socket itself, within whole seconds."""

    def __init__(self, per_second: int) -> None:
        self._most = per_second
        self._second = 0
        self._count = 0

    def is_exceeded(self) -> bool:
        """Count one frame; whether it is one too many."""
        second = int(time.monotonic())
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        return self._count > self._most


def hit(rule: str, *key: str) -> None:
    """Count one event of ``key`` under the setting named ``rule``.

    Raises :class:`RateLimited` when there were too many.
    """
    limit = _limit(getattr(settings, rule))
    try:
        _hit(_shared(), limit, rule, key)
    except StorageError:
        logger.warning("rate limits are counted per process: Valkey is unreachable")
        _hit(_local(), limit, rule, key)


def forget(rule: str, *key: str) -> bool:
    """Count no more what ``key`` did. False: Valkey could not be reached."""
    limit = _limit(getattr(settings, rule))
    _local().clear(limit, rule, *key)
    try:
        _shared().clear(limit, rule, *key)
    except StorageError:
        return False
    return True


def _hit(
    limiter: FixedWindowRateLimiter, limit: RateLimitItem, rule: str, key: tuple[str, ...]
) -> None:
    if not limiter.hit(limit, rule, *key):
        reset = limiter.get_window_stats(limit, rule, *key).reset_time
        raise RateLimited(max(1, round(reset - time.time())))


@cache
def _limit(text: str) -> RateLimitItem:
    return parse(text)


@cache
def _shared() -> FixedWindowRateLimiter:
    uri = settings.VALKEY_URL.replace("unix://", "redis+unix://")
    return FixedWindowRateLimiter(
        storage_from_string(uri, wrap_exceptions=True, key_prefix="csbot:limits", socket_timeout=2)
    )


@cache
def _local() -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(MemoryStorage())

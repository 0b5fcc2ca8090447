"""Valkey as a cache needs it: worth a third of a second, and never worth an error."""

import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.3
PAUSE_SECONDS = 5.0
"""How long Valkey is left alone after it was silent: not every answer waits for it again."""
WARNING_SECONDS = 60.0

T = TypeVar("T")


class OptionalValkey:
    """A pool of connections that many threads may use. What fails is answered in its place."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            # Each attempt of the library's own would wait as long again.
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            # Bytes that are no text are a value that nobody signed, not an error.
            encoding_errors="replace",
        )
        self._lock = threading.Lock()
        self._paused_until = 0.0
        self._is_silent = False
        self._warned_at = -WARNING_SECONDS

    def attempt(self, work: Callable[[], T], otherwise: T, *, insist: bool = False) -> T:
        """What ``work`` returns, or ``otherwise`` when Valkey is away, slow or refuses.

        After a silence only one call in ``PAUSE_SECONDS`` tries again, and those that ``insist``.
        """
        if not (self._may_try() or insist):
            return otherwise
        try:
            result = work()
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            self._is_silent = True
            self._warn(error)
            return otherwise
        except redis.RedisError as error:
            # It answers, if only to refuse, as a full one refuses to write: no need to pause.
            self._warn(error)
            return otherwise
        self._is_silent = False
        return result

    def _may_try(self) -> bool:
        if not self._is_silent:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._paused_until:
                return False
            self._paused_until = now + PAUSE_SECONDS
            return True

    def _warn(self, error: Exception) -> None:
        """The kind of error alone: its text may quote what was to be stored."""
        with self._lock:
            now = time.monotonic()
            if now - self._warned_at < WARNING_SECONDS:
                return
            self._warned_at = now
        logger.warning("the answer cache does without Valkey (%s)", type(error).__name__)


@functools.cache
def shared(url: str) -> OptionalValkey:
    """One pool and one memory of failures for all of this process."""
    return OptionalValkey(url)

"""One generation for all who ask the same at the same time."""

import time
from collections.abc import Callable

from chat.answer_cache import AnswerCache, CachedAnswer

LEAD_SECONDS = 15.0
LONGEST_WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.05


class Flight:
    """One reply's part in it: it leads, and writes the answer for all, or follows and waits.

    Blocks, so call it in a thread. Without Valkey everybody leads.
    """

    def __init__(self, cache: AnswerCache, *, owner: str) -> None:
        self._cache = cache
        self._owner = owner
        self._key = ""
        self._answer: CachedAnswer | None = None

    def join(self, key: str, is_over: Callable[[], bool]) -> str | None:
        """The answer that somebody else wrote meanwhile; None: write it yourself."""
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        has_waited = False
        while time.monotonic() < deadline and not is_over():
            # In this order: whoever leads shares before the lead ends.
            is_led = self._cache.is_led(key)
            if (shared := self._cache.shared(key)) is not None:
                return shared.text
            if has_waited and not is_led:
                # What the leader wrote was for one person only: no use to wait for the next.
                return None
            if self._cache.lead(key, self._owner, LEAD_SECONDS):
                self._key = key
                return None
            has_waited = True
            time.sleep(LOOK_SECONDS)
        return None

    def renew(self) -> None:
        """Whoever waits may go on waiting."""
        if self._key:
            self._cache.renew(self._key, self._owner, LEAD_SECONDS)

    def bring(self, answer: CachedAnswer) -> None:
        """The answer that is handed to all when the flight lands."""
        self._answer = answer

    def land(self) -> None:
        """Hand out the answer, or let the others write their own."""
        if not self._key:
            return
        if self._answer is not None:
            self._cache.share(self._key, self._owner, self._answer)
        else:
            self._cache.abandon(self._key, self._owner)
        self._key = ""

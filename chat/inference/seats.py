"""Seats: how many answers run at once, who is next, and how one is ended from outside.

For engines that work in the thread of their caller. First come, first served.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chat.inference.engine import EngineError


def closed_error() -> EngineError:
    """What streams end with when their engine is closed under them."""
    return EngineError("The engine was closed.", code="engine_closed")


class Work:
    """One request: waiting for a seat or on it."""

    def __init__(self) -> None:
        self.cancelled = False
        self.closed = False
        self._stop: Callable[[], None] | None = None

    def is_over(self) -> bool:
        """Whether to stop quietly. Raises :class:`EngineError` when the engine closed."""
        if self.closed:
            raise closed_error()
        return self.cancelled

    def on_end(self, stop: Callable[[], None]) -> None:
        """Have ``stop`` called, in another thread, when the request is ended from outside."""
        self._stop = stop
        if self.cancelled or self.closed:
            stop()

    def end(self, *, closed: bool = False) -> None:
        """End the request from outside."""
        self.cancelled, self.closed = True, closed
        if self._stop is not None:
            self._stop()


class Seats:
    """``count`` seats and the queue before them."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._queue: deque[Work] = deque()
        self._work: dict[str, Work] = {}
        self._changed = threading.Condition()
        self._closed = False

    @contextmanager
    def seat(self, request_id: str) -> Iterator[Work]:
        """Wait for a seat and keep it for the block; ask the work whether it :meth:`is_over`."""
        work = self._enter(request_id)
        seated = False
        try:
            seated = self._wait(work)
            yield work
        finally:
            with self._changed:
                self._free += seated
                del self._work[request_id]
                self._changed.notify_all()

    def cancel(self, request_id: str) -> None:
        """End that request; unknown ids are ignored."""
        with self._changed:
            work = self._work.get(request_id)
        if work is not None:
            work.end()
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """End every request and refuse new ones."""
        with self._changed:
            self._closed = True
            running = list(self._work.values())
        for work in running:
            work.end(closed=True)
        with self._changed:
            self._changed.notify_all()

    def _enter(self, request_id: str) -> Work:
        with self._changed:
            if self._closed:
                raise closed_error()
            if request_id in self._work:
                raise duplicate_error(request_id)
            work = self._work[request_id] = Work()
            self._queue.append(work)
            return work

    def _wait(self, work: Work) -> bool:
        """Whether a seat was taken; a request that is ended while waiting takes none."""
        with self._changed:
            self._changed.wait_for(
                lambda: work.cancelled or (self._free > 0 and self._queue[0] is work)
            )
            self._queue.remove(work)
            if work.cancelled:
                return False
            self._free -= 1
            self._changed.notify_all()
            return True


def duplicate_error(request_id: str) -> EngineError:
    """Two running requests may not share an id: cancelling would end the wrong one."""
    return EngineError(
        f"Request {request_id} is already running.", code="duplicate_request", retryable=False
    )


def too_long_error(tokens: int, context_length: int) -> EngineError:
    """A prompt that leaves no room for an answer."""
    return EngineError(
        f"The prompt has {tokens} tokens; with the answer {context_length} are allowed.",
        code="prompt_too_long",
        retryable=False,
    )

"""Continuous batching: one thread steps all running answers, newcomers join between steps.

Each turn of the loop reads at most one piece of one newcomer's prompt and then decodes one
token of every running answer. So running answers never wait longer than one piece, and a
newcomer never waits for an answer to end as long as a seat is free. First come, first served.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import NamedTuple

from chat.inference.engine import EngineError
from chat.inference.rows import Rows
from chat.inference.sampling import Forced, Sampler
from chat.inference.seats import closed_error, duplicate_error

logger = logging.getLogger(__name__)

PIECE = 32
"""Prompt tokens read between two steps, about 0.1 s on two cores with a 135M model."""


class Token(NamedTuple):
    """One token of an answer. ``logprob`` is computed for answers ``with_logprobs`` only."""

    id: int
    logprob: float | None


@dataclass(eq=False, slots=True)
class Answer:
    """One answer inside the scheduler. ``output`` carries tokens, then None or an error.

    A request may have several at once, all under its id. One whose ``sampler`` is forced is only
    read, and takes no part in the steps.
    """

    request_id: str
    prompt: list[int]
    with_logprobs: bool
    stop_ids: frozenset[int]
    room: int
    """Tokens that the answer may take."""
    sampler: Sampler | Forced
    output: "SimpleQueue[Token | EngineError | None]" = field(default_factory=SimpleQueue)
    cancelled: bool = False
    row: int = -1
    read: int = 0
    written: int = 0
    last: int = 0

    def __post_init__(self) -> None:
        self.last = self.prompt[-1]


class Scheduler:
    """Runs answers over the rows of one decoder. Any thread may submit and cancel."""

    def __init__(self, rows: Rows, *, seats: int) -> None:
        self._rows = rows
        self._seats = seats
        self._waiting: deque[Answer] = deque()
        self._reading: Answer | None = None
        self._running: list[Answer] = []
        self._known: dict[str, list[Answer]] = {}
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

    def submit(self, *answers: Answer) -> None:
        """Queue all answers of a request. Raises :class:`EngineError` if closed or its id is in
        use."""
        with self._wake:
            if self._closing:
                raise closed_error()
            for answer in answers:
                if answer.request_id in self._known:
                    raise duplicate_error(answer.request_id)
            for answer in answers:
                self._known.setdefault(answer.request_id, []).append(answer)
            self._waiting.extend(answers)
            self._wake.notify()

    def cancel(self, request_id: str) -> None:
        """End a request's answers; their reader is told at once, their seats are free after the
        current step."""
        with self._wake:
            for answer in self._known.pop(request_id, ()):
                answer.cancelled = True
                answer.output.put(None)
            self._wake.notify()

    def close(self) -> None:
        """Stop the thread; unfinished answers end with an error."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        error = closed_error()
        try:
            while self._wait_for_work():
                self._drop_cancelled()
                self._read_piece()
                self._step()
        except Exception:
            # The edge of a thread: whatever went wrong, nobody may wait for it forever.
            logger.exception("The decoder thread ended.")
            error = EngineError("The engine stopped working.", code="engine_stopped")
        with self._wake:
            self._closing = True
            for answers in self._known.values():
                for answer in answers:
                    answer.output.put(error)
            self._known.clear()

    def _wait_for_work(self) -> bool:
        with self._wake:
            self._wake.wait_for(
                lambda: self._closing or self._waiting or self._running or self._reading
            )
            return not self._closing

    def _drop_cancelled(self) -> None:
        with self._wake:
            if any(answer.cancelled for answer in self._waiting):
                self._waiting = deque(a for a in self._waiting if not a.cancelled)
        if self._reading is not None and self._reading.cancelled:
            self._reading = None
        for answer in [a for a in self._running if a.cancelled]:
            self._leave(answer)

    def _read_piece(self) -> None:
        answer = self._reading or self._next()
        if answer is None:
            return
        self._reading = answer
        end = len(answer.prompt) - 1
        # Alone, nobody waits for a step; pieces still let a cancel through.
        size = PIECE if self._running else 4 * PIECE
        forced = answer.sampler.tokens if isinstance(answer.sampler, Forced) else None
        if answer.read < end:
            piece = answer.prompt[answer.read : min(end, answer.read + size)]
            self._rows.read(answer.row, piece)
            answer.read += len(piece)
        elif forced is not None:
            self._weigh_piece(answer, forced, size)
        if answer.read == end and forced is None:
            answer.row = self._rows.join(answer.row)
            self._running.append(answer)
            self._reading = None

    def _weigh_piece(self, answer: Answer, said: Sequence[int], size: int) -> None:
        """Tell how likely the next tokens of a given answer are."""
        tokens = said[answer.written : answer.written + size]
        logits = self._rows.weigh(answer.row, [answer.last, *tokens[:-1]])
        for token, row in zip(tokens, logits, strict=True):
            answer.output.put(Token(token, answer.sampler.log_probability(row, token)))
        answer.last = tokens[-1]
        answer.written += len(tokens)
        if answer.written == len(said):
            self._finish(answer)
            self._reading = None

    def _next(self) -> Answer | None:
        with self._wake:
            if not self._waiting or len(self._running) >= self._seats:
                return None
            answer = self._waiting.popleft()
        answer.row, answer.read = self._rows.place(answer.prompt)
        return answer

    def _step(self) -> None:
        if not self._running:
            return
        logits = self._rows.step([answer.last for answer in self._running])
        for answer, row in zip(list(self._running), logits, strict=True):
            answer.last = answer.sampler.pick(row)
            answer.written += 1
            stopped = answer.last in answer.stop_ids
            if not stopped:
                asked = answer.with_logprobs
                logprob = answer.sampler.log_probability(row, answer.last) if asked else None
                answer.output.put(Token(answer.last, logprob))
            if stopped or answer.written >= answer.room:
                self._finish(answer)

    def _finish(self, answer: Answer) -> None:
        with self._wake:
            unfinished = self._known.get(answer.request_id, [])
            if answer in unfinished:
                unfinished.remove(answer)
                if not unfinished:
                    del self._known[answer.request_id]
                answer.output.put(None)
        answer.cancelled = True

    def _leave(self, answer: Answer) -> None:
        self._rows.leave(answer.row)
        last = self._running.pop()
        if last is not answer:
            # The row numbers are the order of this list: the last one took the free place.
            last.row = answer.row
            self._running[last.row] = last

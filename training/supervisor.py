"""Works one claimed run: a child process for each stage, watched until the run is over.

The supervisor computes nothing itself. It keeps the lease, passes on what its child reports,
and ends the child when somebody cancels, when this process is told to stop, and at once when
the lease is lost: from then on the folder belongs to somebody else.
"""

import logging
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from django.db import InterfaceError, OperationalError, connection

from training import places, stages
from training.crash_points import crash_point
from training.failures import LostLease
from training.models import TrainingRun
from training.processes import Child, FolderBusy, environment, folder_lock
from training.progress import ProgressReader
from training.services import runs
from training.services.runs import Claim

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.25
REPORT_SECONDS = 1.0
HEARTBEAT_SECONDS = 10.0
STOP_SECONDS = 15.0
"""For a checkpoint, when this process is told to end; then the child is killed."""
LOCK_SECONDS = 20.0
"""A child that ends with its killed supervisor may need a moment."""
SILENCE_SECONDS = runs.LEASE_SECONDS - 10
"""So long may the database be away; then the lease counts as lost, whatever it holds."""

Show = Callable[[TrainingRun], None]


class Supervisor:
    """Takes one run through its stages. ``show`` is called after each report."""

    def __init__(
        self,
        claim: Claim,
        *,
        command: stages.Command = stages.command,
        show: Show = lambda run: None,
    ) -> None:
        self.claim = claim
        self._command = command
        self._show = show
        self._folder = places.run_folder(claim.run)
        self._told_at = time.monotonic()
        self._reported_at = 0.0
        self._stopping = False

    def stop(self) -> None:
        """Give the run back soon: a checkpoint, then in line again."""
        self._stopping = True

    def work(self) -> None:
        """Return when the run is over or in line again, or belongs to somebody else."""
        try:
            self._work()
        except LostLease:
            logger.warning("%s: lease lost, nothing more is written", self.claim.run)

    def _work(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with folder_lock(self._folder, seconds=LOCK_SECONDS) as lock:
                self._work_stages(lock)
        except FolderBusy:
            self._tell(runs.crash, "A process of an earlier attempt still works in the folder.")
        except OSError as error:
            # A full disk, mostly.
            logger.exception("%s", self.claim.run)
            self._tell(runs.crash, str(error))

    def _work_stages(self, lock: int) -> None:
        crash_point("run.claimed")
        self._progress = ProgressReader(self._folder, self.claim.fence)
        for stage in TrainingRun.Stage:
            if self._stopping:
                self._tell(runs.requeue)
                return
            command = self._command(self.claim, stage, self._folder)
            if command is not None:
                self._tell(runs.set_stage, stage)
                if not self._has_worked(stage, command, lock):
                    return
            crash_point(f"run.{_PAST[stage]}")
        self._tell(runs.finish)

    def _has_worked(self, stage: TrainingRun.Stage, command: list[str], lock: int) -> bool:
        """Whether the stage is done. If not, the run is over or in line again."""
        log = self._folder / _log_name(stage)
        child = Child(command, log=log, environment=environment(places.threads()), lock=lock)
        try:
            cancelled = self._watch(child)
        finally:
            code = child.kill()
        self._report()
        if code == stages.DONE and not cancelled:
            return True
        self._settle(stage, child, code, cancelled=cancelled)
        return False

    def _watch(self, child: Child) -> bool:
        """Wait until the child has ended. True: somebody cancelled the run."""
        while child.poll() is None:
            if self._stopping:
                child.stop(STOP_SECONDS)
            elif self._tell(runs.is_cancelled):
                child.stop(STOP_SECONDS)
                return True
            elif time.monotonic() - self._reported_at > REPORT_SECONDS:
                self._report()
            time.sleep(TICK_SECONDS)
        return False

    def _settle(
        self, stage: TrainingRun.Stage, child: Child, code: int, *, cancelled: bool
    ) -> None:
        # Smaller batches would not help the search, which has its own.
        lacked = code == stages.OUT_OF_MEMORY or child.was_killed_for_memory()
        has_batches = stage != TrainingRun.Stage.SEARCH
        if cancelled:
            self._tell(runs.cancel_claimed)
        elif self._progress.refusal:
            self._tell(runs.fail, *self._progress.refusal)
        elif code == stages.LOST_LEASE:
            raise LostLease
        elif lacked and has_batches:
            self._tell(runs.run_out_of_memory)
        elif code == stages.STOPPED or self._stopping:
            self._tell(runs.requeue)
        else:
            logger.error("%s: a process ended (%d): %s", self.claim.run, code, child.last_words())
            self._tell(runs.crash, child.last_words() or f"The process ended with code {code}.")

    def _report(self) -> None:
        """Pass on what the child said, and keep the lease."""
        self._reported_at = time.monotonic()
        if reported := self._progress.read():
            self._tell(runs.report, reported)
            self._show(self.claim.run)
        elif time.monotonic() - self._told_at > HEARTBEAT_SECONDS:
            self._tell(runs.renew)

    def _tell(self, action: Callable[..., Any], *arguments: Any) -> Any:
        """One write or question under the lease, patient with a database that is away."""
        while True:
            try:
                answer = action(self.claim, *arguments)
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() - self._told_at > SILENCE_SECONDS:
                    raise LostLease from error
                logger.warning("database away (%s), trying again", type(error).__name__)
                connection.close_if_unusable_or_obsolete()
                time.sleep(REPORT_SECONDS)
            else:
                if action is not runs.is_cancelled:
                    self._told_at = time.monotonic()
                return answer


_PAST = {
    "preparing": "prepared",
    "search": "searched",
    "training": "trained",
    "exporting": "exported",
    "evaluating": "evaluated",
    "publishing": "published",
}


def _log_name(stage: TrainingRun.Stage) -> str:
    return "trainer.log" if stage == TrainingRun.Stage.TRAINING else f"{stage}.log"


def new_owner() -> str:
    """A name for whoever claims, for people: the fence is what counts."""
    return f"{socket.gethostname()[:40]}.{uuid.uuid4().hex[:8]}"


class StopSignals:
    """While entered, SIGTERM and SIGINT stop the supervisor at work, and no other begins.

    Whoever listened before (a Celery worker) hears of them too.
    """

    def __init__(self) -> None:
        self.asked = False
        self._supervisor: Supervisor | None = None
        self._before: dict[int, Any] = {}

    def work(self, supervisor: Supervisor) -> None:
        """Let ``supervisor`` work its run, unless it is time to stop."""
        self._supervisor = supervisor
        if self.asked:
            supervisor.stop()
        supervisor.work()
        self._supervisor = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if self._supervisor is not None:
            self._supervisor.stop()
        before = self._before[number]
        if callable(before) and before is not signal.default_int_handler:
            before(number, frame)


def work_queue() -> int:
    """Work what waits for this machine's device until nothing does; how many runs it took up."""
    owner, taken = new_owner(), 0
    with StopSignals() as signals:
        while not signals.asked and (claim := runs.claim(device=places.device(), owner=owner)):
            signals.work(Supervisor(claim))
            taken += 1
    return taken

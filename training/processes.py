"""Processes of a training run: children that end with us and give way to customers.

On one machine the runner answers while a model is trained. ``nice`` alone does nothing there:
Linux shares the processor between sessions first, one share each, and only then by niceness
within one. So every child leads a session of its own, and that session's share is made small.
Where nobody else computes, training still has the whole machine.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from django.conf import settings

LOCK = "work.lock"
OUT_OF_MEMORY_SCORE = 500
"""When memory runs out the kernel ends this child before the runner and the web server."""
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class FolderBusy(Exception):
    """Another process, perhaps one that was believed dead, still works in the folder."""


class Child:
    """One process of a run, its output in ``log``."""

    def __init__(
        self, command: Sequence[str], *, log: Path, environment: Mapping[str, str], lock: int
    ) -> None:
        killed, parent, niceness = _kernel_kills(), os.getpid(), settings.TRAINING_NICENESS
        with log.open("ab") as output:
            # What an earlier attempt said stands before it.
            self._place = output.tell()
            self._process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # The folder stays locked until the last child is gone.
                pass_fds=(lock,),
                start_new_session=True,
                preexec_fn=lambda: _give_way(parent, niceness),  # noqa: PLW1509 (system calls, nothing that locks)
            )
        self._log = log
        self._kills_before = killed

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int:
        """Its exit code once it has ended; it is made to after so many seconds."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def stop(self, seconds: float) -> int:
        """Ask it to end, wait, then make it. Returns the exit code."""
        # A checkpoint is written with the share of everybody else: somebody waits for it.
        _write(f"/proc/{self._process.pid}/autogroup", "0")
        self._signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self) -> int:
        self._signal(signal.SIGKILL)
        return self._process.wait()

    def was_killed_for_memory(self) -> bool:
        """Whether the kernel ended it, or somebody else just then, because memory ran out."""
        return self.poll() == -signal.SIGKILL and _kernel_kills() > self._kills_before

    def last_words(self) -> str:
        """The last line of its output: of a traceback, the one that says what happened."""
        lines = self._log.read_bytes()[self._place :].decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                # It leads a group: what it started hears it too.
                os.killpg(self._process.pid, number)


@contextlib.contextmanager
def folder_lock(folder: Path, *, seconds: float = 0) -> Iterator[int]:
    """Hold the folder of a run, with the children that inherit the descriptor.

    Whatever leases say: two trainers never write one folder on one machine. Waits up to
    ``seconds`` and raises :class:`FolderBusy`.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise FolderBusy from None
                time.sleep(0.2)
        yield descriptor
    finally:
        os.close(descriptor)


def environment(threads: int) -> dict[str, str]:
    """The environment of a child that computes with so many threads and fetches nothing."""
    counted = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(counted, str(threads)),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _give_way(parent: int, niceness: int) -> None:
    """In the new process: end with the thread that started it, and let others go first."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    os.nice(niceness)
    _write("/proc/self/autogroup", str(niceness))
    _write("/proc/self/oom_score_adj", str(OUT_OF_MEMORY_SCORE))


def _write(path: str, text: str) -> None:
    """Tell the kernel, where it has such a file: without it training only gives way less."""
    with contextlib.suppress(OSError), Path(path).open("w") as file:
        file.write(text)


def _kernel_kills() -> int:
    """How often the kernel has ended a process for want of memory since the machine started."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

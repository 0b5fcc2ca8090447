"""csbot's processes as children of one: started together, ended together.

honcho starts them and shows their output. Added here: nothing survives its parent, however
that ends, and a process that had been working is started again when it crashes.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer
from honcho.process import Process

WATCH_SECONDS = 0.3
# A trainer writes a checkpoint first; the others are gone within a second or two.
STOP_SECONDS = 20.0
# A process that ends sooner than this cannot work here; later, it crashed and is started again.
SETTLED_SECONDS = 10.0


def procfile(path: Path) -> dict[str, str]:
    """The shell commands of a Procfile by the name of their process."""
    return dict(parse_procfile(path.read_text()).processes)


class Guarded(Process):
    """One child and the process that watches it.

    honcho runs this in a process of its own that reads the child's output. That process ends
    the child when csbot stops and when csbot's main process is gone, killed perhaps: no
    signal tells it, so it looks.
    """

    ending: Any
    """True when csbot stops: memory shared with the main process, without a lock that a process
    which dies could keep."""
    ended: Any
    """One such flag for each process, this one's at ``place``."""
    place: int = 0

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Not SIG_IGN, which the child would inherit.
            signal.signal(number, lambda *_: None)
        watch = threading.Thread(target=self._watch, args=(os.getppid(),), daemon=True)
        watch.start()
        while True:
            began = time.monotonic()
            super().run(events)
            if self.ending.value or time.monotonic() - began < SETTLED_SECONDS:
                break
            self._send_message(f"ended unexpectedly ({self._child.returncode}), starts again\n")
        self.ended[self.place] = True
        super()._send_message(self._stop, type="stop")

    def _send_message(self, data: Any, type: str = "line") -> None:
        """Hold back the end of a child: the manager hears of the last one alone."""
        if type == "stop":
            self._stop = data
        else:
            super()._send_message(data, type)

    def _watch(self, parent: int) -> None:
        while os.getppid() == parent and not self.ending.value:
            time.sleep(WATCH_SECONDS)
        self.ending.value = True
        if self.place == 0:
            # The first one serves the others (Valkey): it stays until they have ended.
            self._wait(lambda: all(self.ended[1:]))
        self._signal(signal.SIGTERM)
        self._wait(lambda: bool(self.ended[self.place]))
        self._signal(signal.SIGKILL)
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        # Without a reader honcho's queue fills up, and a normal exit would wait for it forever.
        os._exit(1)

    @staticmethod
    def _wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and not condition():
            time.sleep(WATCH_SECONDS / 3)

    def _signal(self, number: int) -> None:
        # The child leads a session of its own; its children are in that group too.
        if self._child is not None and self._child.returncode is None:
            try:
                os.killpg(self._child.pid, number)
            except ProcessLookupError:
                return


class Fleet(Manager):
    """All processes of one csbot. ``loop`` returns when the last has ended."""

    def __init__(self, when_started: Callable[[], None]) -> None:
        super().__init__(Printer(sys.stdout, colour=sys.stdout.isatty()))
        self.ending: Any = multiprocessing.Value(ctypes.c_bool, False, lock=False)
        self.failed: tuple[str, int] | None = None
        self._when_started = when_started
        self._process_ctor = self._guarded

    def run(self, commands: Mapping[str, str], environment: Mapping[str, str], folder: Path) -> int:
        """Run all commands until one ends or somebody asks; 0 when somebody asked.

        The first command is ended last.
        """
        self.ended = multiprocessing.Array(ctypes.c_bool, len(commands), lock=False)
        for name, command in commands.items():
            self.add_process(name, f"exec {command}", env=dict(environment), cwd=str(folder))
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        self.loop()
        return 0 if self.failed is None else (self.failed[1] or 1)

    def terminate(self) -> None:
        """Called by honcho when a process has ended or a signal came. The guards do the rest."""
        if not self.ending.value:
            ended = [n for n, p in self._processes.items() if p.get("returncode") is not None]
            if ended:
                self.failed = (ended[0], int(self._processes[ended[0]]["returncode"]))
        self.ending.value = True

    def kill(self) -> None:
        """Called by honcho some seconds later. The guards do this too."""

    def _guarded(self, *arguments: Any, **options: Any) -> Guarded:
        process = Guarded(*arguments, **options)
        process.ending = self.ending
        process.ended = self.ended
        process.place = len(self._processes)
        return process

    def _start(self) -> None:
        super()._start()
        # Only now: a process that forks should have no threads yet.
        threading.Thread(target=self._when_started, daemon=True).start()

    def _system_print(self, data: str) -> None:
        """honcho's own remarks (started, stopped, signals) help nobody."""

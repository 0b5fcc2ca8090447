"""csbot's real processes as children of a test, against a folder of their own.

For browser and fault tests. Everything is started, stopped and killed by its pid, listens on
loopback or a unix socket, and writes its output to a file in the folder.
"""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from csbot import env, valkey

ROOT = Path(__file__).resolve().parent.parent
# Two cores that run other tests meanwhile take long to start a csbot.
READY_SECONDS = 120.0
STOP_SECONDS = 15.0


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], what: str, seconds: float = READY_SECONDS) -> None:
    """Poll until ``condition`` holds; a test that waits in vain says for what."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(0.05)


def environment(var: Path, **settings: str) -> dict[str, str]:
    """The environment of a csbot that knows only ``var`` and ``settings``."""
    ours = {s.name for s in env.SETTINGS}
    base = {k: v for k, v in os.environ.items() if k not in ours}
    path = f"{Path(sys.executable).parent}{os.pathsep}{base.get('PATH', os.defpath)}"
    return {
        **base,
        "PATH": path,
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "csbot.settings",
        "CSBOT_VAR_DIR": str(var),
        "CSBOT_HOST": "127.0.0.1",
        "CHAT_ENGINE": "echo",
        # The demo's approved questions are vectors within a second.
        "CHAT_EMBEDDER": "ngrams",
        # People log in with a word; what an authenticator app guards is tested in tests/csbot.
        "CSBOT_SECOND_FACTOR": "optional",
        # A second reading is drawn by lot.
        "TRAINING_SECOND_READINGS": "0",
        **settings,
    }


TALKATIVE = """
from chat.models import Bot
Bot.objects.update(confidence_threshold=0, unsure_answers="show")
"""


def procfile() -> dict[str, str]:
    """The commands of the Procfile by name."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line and line[0] != "#")


class Services:
    """One csbot: ``with Services() as csbot: csbot.start("web", "runner")``."""

    def __init__(self, **settings: str) -> None:
        self.var = Path(tempfile.mkdtemp(prefix="csbot-services-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = environment(self.var, CSBOT_PORT=str(self.port), **settings)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Services":
        try:
            self.start_valkey()
            self.manage("migrate", "--verbosity", "0")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        for name in reversed(list(self.processes)):
            self.stop(name)
        shutil.rmtree(self.var, ignore_errors=True)

    def manage(self, *arguments: str) -> str:
        """Run a management command to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = f"{done.stdout}{done.stderr}"
            raise RuntimeError(f"manage.py {shlex.join(arguments)} failed:\n{said}")
        return done.stdout

    def seed(self) -> None:
        """The demo bot, which says whatever its engine says, word by word.

        What an echo says is never likely right: tests of offers seed by themselves.
        """
        self.manage("seed_demo")
        self.manage("shell", "--verbosity", "0", "-c", TALKATIVE)

    def start_valkey(self) -> None:
        folder = self.var / "valkey"
        valkey.prepare(folder)
        self._spawn("valkey", valkey.command(folder))
        valkey.wait_until_ready(folder / valkey.SOCKET_NAME, self.processes["valkey"])

    def start(self, *names: str) -> None:
        """Start processes of the Procfile; ``web`` is waited for until it answers."""
        commands = procfile()
        for name in names:
            self._spawn(name, ["/bin/sh", "-c", f"exec {commands[name]}"])
        if "web" in names:
            wait_until(self.answers, f"web answers; it wrote:\n{self.log('web')}")

    def spawn(self, name: str, module: str, *words: str) -> None:
        """Start another process of ours: ``python -m MODULE WORDS``."""
        self._spawn(name, [sys.executable, "-m", module, *words])

    def answers(self) -> bool:
        """Whether the web server answers; any status will do."""
        try:
            with urllib.request.urlopen(self.url, timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            if (code := self.processes["web"].poll()) is not None:
                raise RuntimeError(f"web ended ({code}):\n{self.log('web')}") from None
            return False

    def stop(self, name: str) -> int:
        """End a process politely, after some seconds by force; its exit code."""
        process = self.processes.pop(name)
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill(self, name: str) -> None:
        """End a process at once, as a power cut would."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def log(self, name: str) -> str:
        """Everything that the process of that name has written so far."""
        path = self.var / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _spawn(self, name: str, command: list[str]) -> None:
        if name in self.processes:
            raise RuntimeError(f"{name} runs already")
        with (self.var / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=valkey.die_with_parent,
            )

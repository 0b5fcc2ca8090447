"""``manage.py run``: refusals in one sentence, one ready line, and nobody left behind."""

import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from csbot import starting
from tests.services import ROOT, environment, free_port, wait_until

READY = "csbot is ready"


class Run:
    """One ``manage.py run`` and everything that it started."""

    # The trainer is a worker, too: its queue tells it apart.
    NAMES = ("valkey-server", "uvicorn", "runinference", "training", "worker", "beat")

    def __init__(self, var: Path, port: int, **settings: str) -> None:
        self.log = var.with_suffix(f".{port}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=ROOT,
                env=environment(var, CSBOT_PORT=str(port), **settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.family: dict[str, psutil.Process] = {}
        self.everybody: list[psutil.Process] = []

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, self.output()
            return READY in self.output()

        wait_until(ready, f"csbot is ready; it wrote {self.output()}")
        wait_until(lambda: len(self._find()) == len(self.NAMES), "all processes run")
        self.family = self._find()
        self.everybody = psutil.Process(self.process.pid).children(recursive=True)

    def wait_for(self, name: str) -> psutil.Process:
        """One process as soon as it is there, long before csbot is ready."""
        wait_until(lambda: name in self._find(), f"{name} runs; csbot wrote {self.output()}")
        self.everybody = psutil.Process(self.process.pid).children(recursive=True)
        return self._find()[name]

    def _find(self) -> dict[str, psutil.Process]:
        found = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            # Split again: a server that renames itself shows one long word.
            line = " ".join(child.cmdline()).split()
            for name in self.NAMES:
                if any(part.endswith(name) for part in line):
                    found[name] = child
                    break
        return found

    def nobody_left(self) -> bool:
        """Neither the processes nor those that watch them; a zombie is only not yet reaped."""
        return not any(map(self._lives, self.everybody))

    @staticmethod
    def _lives(process: psutil.Process) -> bool:
        try:
            return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def close(self) -> None:
        if self.process.poll() is None:
            self.everybody += psutil.Process(self.process.pid).children(recursive=True)
            self.process.kill()
        for process in filter(self._lives, self.everybody):
            process.kill()
        self.process.wait()


@pytest.fixture
def var() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="csbot-run-") as folder:
        yield Path(folder) / "var"


@pytest.fixture
def running(var: Path) -> Iterator[Run]:
    run = Run(var, free_port())
    try:
        run.wait_until_ready()
        yield run
    finally:
        run.close()


def refused(var: Path, port: int, **settings: str) -> str:
    """What a run that must not start says, which is one sentence on one line."""
    done = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=ROOT,
        env=environment(var, CSBOT_PORT=str(port), **settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.process
def test_wrong_setting_is_one_sentence(var: Path) -> None:
    said = refused(var, free_port(), CHAT_ENGINE="gpt")
    assert "CHAT_ENGINE is 'gpt', which does not exist. Set it to one of auto" in said
    assert not (var / "csbot.sqlite3").exists()


@pytest.mark.process
def test_port_in_use_is_one_sentence(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 is in use" in refused(var, port)
    assert not (var / "csbot.sqlite3").exists()


@pytest.mark.parametrize(
    ("host", "sentence"), [("nowhere.invalid", "no address"), ("192.0.2.1", "of this machine")]
)
def test_foreign_host_is_refused(host: str, sentence: str) -> None:
    with pytest.raises(starting.CannotStart, match=sentence):
        starting.check_port(host, free_port())


def test_small_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(starting.CannotStart, match=r"MB are free in .*CSBOT_VAR_DIR"):
        starting.check_disk(tmp_path, needed=2**60)


@pytest.mark.process
@pytest.mark.timeout(300)
def test_one_run_serves_and_a_second_is_refused_and_interrupt_ends_all(running: Run) -> None:
    var = running.log.parent / "var"
    assert "already runs with the folder" in refused(var, free_port())
    memory = running.family["uvicorn"].memory_info().rss / 2**20
    assert memory < 150, f"the idle web server takes {memory:.0f} MB"
    if sys.platform == "linux":
        maps = Path(f"/proc/{running.family['uvicorn'].pid}/maps").read_text()
        assert "torch" not in maps
        assert "onnxruntime" not in maps
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 0
    wait_until(running.nobody_left, "every process ended", 10)
    assert "csbot stopped." in running.output()
    assert "Traceback" not in running.output().split(READY)[0]


@pytest.mark.process
@pytest.mark.timeout(300)
def test_nobody_outlives_a_killed_run(running: Run) -> None:
    running.process.kill()
    wait_until(running.nobody_left, "every process ended", 20)


@pytest.mark.process
@pytest.mark.timeout(300)
def test_process_that_cannot_work_ends_all(var: Path) -> None:
    """A process that dies soon after its start is broken: all stop, and it is named."""
    run = Run(var, free_port())
    try:
        run.wait_for("worker").kill()
        assert run.process.wait(60) != 0
        assert "csbot stopped because its worker ended" in run.output()
        wait_until(run.nobody_left, "every process ended", 10)
    finally:
        run.close()

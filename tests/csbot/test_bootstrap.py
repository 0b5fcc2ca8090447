"""Setting up: one sentence for each way to fail, nothing left half made, nothing done twice."""

import errno
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from csbot import bootstrap
from tests.services import ROOT, free_port


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "cpu.txt"
    path.write_text("# nothing to install\n")
    return path


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return tmp_path / "venv"


def test_old_python_is_told_what_is_needed() -> None:
    with pytest.raises(bootstrap.BootstrapError, match=r"needs Python 3\.11 or newer.*3\.9\.2"):
        bootstrap.check_python((3, 9, 2))


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_missing_module_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == module else object()
    )
    with pytest.raises(bootstrap.BootstrapError, match=f"lacks the module {module}.*python3-venv"):
        bootstrap.check_python()


def test_small_disk_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(bootstrap.BootstrapError, match=r"GB are free in .* need 1048576 GB"):
        bootstrap.check_disk(tmp_path, needed=2**50)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        (
            "NewConnectionError('Failed')\nERROR: No matching distribution found for django",
            "cannot be reached",
        ),
        ("error: command 'gcc' failed: No such file or directory", "no working C compiler"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the expected one"),
        (
            "ERROR: Could not find a version that satisfies the requirement torch==9 (from x)",
            "has no torch==9 for Python",
        ),
        ("ERROR: something\nERROR: something else", "pip failed: something else"),
        ("", "it said no reason"),
    ],
)
def test_failure_of_pip_is_explained(output: str, sentence: str) -> None:
    assert sentence in bootstrap.explain(output)


@pytest.mark.process
def test_second_run_does_nothing(lock: Path, venv: Path) -> None:
    bootstrap.set_up(lock, venv, io.StringIO())
    out = io.StringIO()
    bootstrap.set_up(lock, venv, out)
    assert out.getvalue() == ""
    lock.write_text("# changed\n")
    assert not bootstrap.is_installed(venv, lock)


def test_folder_of_somebody_else_is_left_alone(lock: Path, venv: Path) -> None:
    venv.mkdir()
    (venv / "letters.txt").write_text("dear ...")
    with pytest.raises(bootstrap.BootstrapError, match="in the way"):
        bootstrap.set_up(lock, venv, io.StringIO())
    assert (venv / "letters.txt").exists()


def test_half_made_venv_is_removed(lock: Path, venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        assert venv.exists()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bootstrap, "create_venv", lambda path: path.mkdir())
    monkeypatch.setattr(bootstrap, "install", full)
    with pytest.raises(OSError, match="No space left"):
        bootstrap.set_up(lock, venv, io.StringIO())
    assert not venv.exists()


@pytest.mark.process
def test_no_network_is_one_sentence(lock: Path, venv: Path) -> None:
    lock.write_text("csbot-no-such-package==1\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"http://127.0.0.1:{free_port()}/simple",
        "PIP_RETRIES": "0",
    }
    done = subprocess.run(
        [sys.executable, "-m", "csbot.bootstrap", str(lock), str(venv)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "package registry cannot be reached" in done.stderr
    assert not venv.exists()


def test_only_the_standard_library_is_imported() -> None:
    script = "import sys, csbot.bootstrap; print(*{n.split('.')[0] for n in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    foreign = {n for n in loaded if n not in sys.stdlib_module_names and not n.startswith("_")}
    assert foreign <= {"csbot", "sitecustomize", "usercustomize"}


def test_locks_agree() -> None:
    """``make run`` and ``make test`` share one venv: neither may undo what the other installed."""

    def pins(name: str) -> set[str]:
        lines = (ROOT / "requirements" / name).read_text().splitlines()
        return {line.split(" ")[0] for line in lines if "==" in line and line[0] not in "# "}

    assert pins("cpu.txt")
    assert pins("cpu.txt") <= pins("dev.txt")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_without_python_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(shutil.which("make")), "setup", "PYTHON=python-that-is-missing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "csbot: no Python found" in done.stderr

"""Makes ``.venv`` and installs a lock file into it: ``python3 -m csbot.bootstrap LOCK``.

Runs before anything is installed, so it uses the standard library alone and keeps to syntax
that older Pythons can parse: they are told which version is needed. Nothing is left half
made, and a second run only compares a checksum.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
NEEDED_PYTHON = (3, 11)
NEEDED_FREE_BYTES = 4 * 1024**3
NO_PACKAGE = "Could not find a version that satisfies the requirement"

# What pip prints, and what it means. The first match counts: a missing network also ends in
# "no matching distribution".
FAILURES = (
    (
        r"No space left on device|Disk quota exceeded",
        "The disk is full: free some gigabytes and run the same command again.",
    ),
    (
        (
            r"NewConnectionError|NameResolutionError|Name or service not known|name resolution"
            r"|Connection refused|ConnectTimeout|ReadTimeout|timed out|Network is unreachable"
            r"|ProxyError|RemoteDisconnected|Connection reset"
        ),
        (
            "The package registry cannot be reached: check the network (or pip's proxy and index "
            "settings) and run the same command again."
        ),
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        (
            "The package registry's certificate was not accepted: check this machine's clock and "
            "certificates, or pip's cert setting."
        ),
    ),
    (
        r"command '[^']*(gcc|cc|g\+\+|clang|cl\.exe)[^']*' failed|unable to execute|[Cc]ompiler.*not found",
        (
            "A package has to be compiled here and there is no working C compiler: install one "
            "(Debian: apt-get install build-essential), or use a Python version with ready packages."
        ),
    ),
    (
        r"HASHES|hash mismatch",
        (
            "A downloaded package is not the expected one: run the same command again, and if it "
            "repeats, look at the package registry that pip is set to."
        ),
    ),
)


class BootstrapError(Exception):
    """The environment could not be made; the text is one sentence that says what to do."""


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> None:
    if version < NEEDED_PYTHON:
        needed, found = (".".join(map(str, v)) for v in (NEEDED_PYTHON, version))
        raise BootstrapError(
            f"csbot needs Python {needed} or newer, but {sys.executable} is Python {found}: "
            "install a newer one (Debian: apt-get install python3 python3-venv)."
        )
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise BootstrapError(
                f"This Python lacks the module {module}: install it "
                "(Debian: apt-get install python3-venv)."
            )


def check_disk(folder: Path, needed: int = NEEDED_FREE_BYTES) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BootstrapError(
            f"Only {free / 1024**3:.1f} GB are free in {folder}, and csbot's packages need "
            f"{needed / 1024**3:.0f} GB: free some space and run the same command again."
        )


def explain(output: str) -> str:
    """One sentence for what pip printed before it failed."""
    for pattern, sentence in FAILURES:
        if re.search(pattern, output):
            return sentence
    missing = re.search(rf"{NO_PACKAGE} (\S+)", output)
    if missing:
        return (
            f"The package registry has no {missing[1]} for Python "
            f"{sys.version_info[0]}.{sys.version_info[1]} on this machine: use Python 3.11, "
            "3.12 or 3.13."
        )
    errors = re.findall(r"(?m)^ERROR: (.+)$", output)
    return f"pip failed: {errors[-1] if errors else 'it said no reason'}"


def marker_path(venv: Path, lock: Path) -> Path:
    return venv / f"installed-{lock.stem}.sha256"


def fingerprint(lock: Path) -> str:
    """Changes when the lock does, or when the venv was made by another Python."""
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {sys.version_info[:2]}\n"


def is_installed(venv: Path, lock: Path) -> bool:
    marker = marker_path(venv, lock)
    return marker.is_file() and marker.read_text() == fingerprint(lock)


def works(venv: Path) -> bool:
    """Whether the venv's Python starts and is the version that runs this."""
    python = venv / "bin" / "python"
    if not python.exists():
        return False
    script = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    done = subprocess.run([str(python), "-c", script], capture_output=True, check=False)
    return done.returncode == 0


def check_place(venv: Path) -> None:
    """Refuse a folder of somebody else, which making a venv would delete."""
    if venv.exists() and any(venv.iterdir()) and not (venv / "pyvenv.cfg").is_file():
        raise BootstrapError(f"{venv} is in the way and is not a virtual environment: move it.")


def create_venv(venv: Path) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        output = done.stdout + done.stderr
        if "ensurepip" in output and not re.search(FAILURES[0][0], output):
            raise BootstrapError(
                "This Python cannot make virtual environments: install the missing part "
                "(Debian: apt-get install python3-venv)."
            )
        raise BootstrapError(explain(output or "ERROR: python -m venv said nothing"))


class Progress:
    """Turns pip's lines into ``34 of 87  torch``; one line that is rewritten on a terminal."""

    def __init__(self, total: int, stream: IO[str]) -> None:
        self.total = total
        self.stream = stream
        self.count = 0
        self.live = stream.isatty()

    def show(self, text: str) -> None:
        self.stream.write(f"\r\033[K  {text}" if self.live else f"  {text}\n")
        self.stream.flush()

    def feed(self, line: str) -> None:
        name = re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9_.-]+)", line)
        if name:
            self.count += 1
            if self.live or self.count % 10 == 0:
                self.show(f"{min(self.count, self.total)} of {self.total}  {name[1]}")
        elif line.startswith("Installing collected packages"):
            self.show("unpacking, this takes a minute or two")

    def close(self) -> None:
        if self.live:
            self.stream.write("\r\033[K")


def install(venv: Path, lock: Path, out: IO[str] = sys.stdout) -> None:
    pins = sum(1 for line in lock.read_text().splitlines() if "==" in line)
    progress = Progress(pins, out)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    options = ["--no-input", "--progress-bar", "off", "--retries", "2", "-r", str(lock)]
    lines = []
    with subprocess.Popen(
        pip + options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line)
                progress.feed(line)
        except BaseException:
            process.kill()
            raise
    progress.close()
    if process.returncode:
        raise BootstrapError(explain("".join(lines)))


def set_up(lock: Path, venv: Path, out: IO[str] = sys.stdout) -> None:
    """Bring ``venv`` to what ``lock`` says; a venv that this call made goes when it fails."""
    if is_installed(venv, lock):
        return
    check_python()
    check_place(venv)
    check_disk(venv.parent)
    began = time.monotonic()
    fresh = not works(venv)
    out.write(f"Installing csbot's packages into {venv} (once, some minutes) ...\n")
    out.flush()
    try:
        if fresh:
            create_venv(venv)
        install(venv, lock, out)
        # Last: an interrupted run leaves no marker, so the next one begins again.
        marker_path(venv, lock).write_text(fingerprint(lock))
    except BaseException:
        if fresh:
            shutil.rmtree(venv, ignore_errors=True)
        raise
    out.write(f"  done in {time.monotonic() - began:.0f} s\n")


def _interrupt(signum: int, frame: Any) -> None:
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2):
        print("usage: python3 -m csbot.bootstrap LOCK [VENV]", file=sys.stderr)
        return 2
    lock = Path(arguments[0])
    venv = Path(arguments[1]) if len(arguments) == 2 else ROOT / ".venv"
    signal.signal(signal.SIGTERM, _interrupt)
    # Two at once would install over each other: the second waits, then finds all done.
    folder = os.open(str(ROOT), os.O_RDONLY)
    try:
        check_python()
        fcntl.flock(folder, fcntl.LOCK_EX)
        set_up(lock, venv.absolute())
    except BootstrapError as error:
        print(f"csbot: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"csbot: {error.strerror or error}: {error.filename or venv}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("csbot: interrupted; nothing was left behind.", file=sys.stderr)
        return 130
    finally:
        os.close(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

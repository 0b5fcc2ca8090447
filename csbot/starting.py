"""What ``manage.py run`` checks and prepares; each refusal is one sentence that says what to do."""

import contextlib
import errno
import fcntl
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.db import OperationalError

from csbot import valkey
from csbot.fleet import procfile

# Engines that answer without weights of ours.
WEIGHTLESS = ("echo", "openai")
NEEDED_FREE_BYTES = 200 * 1024**2
# A base model is fetched, unpacked, converted and exported; most of it is deleted afterwards.
NEEDED_MODEL_BYTES = 2 * 1024**3
WEB_SECONDS = 60.0


class CannotStart(Exception):
    """csbot cannot start here and now; the text is one sentence for the operator."""


@contextlib.contextmanager
def only_instance(folder: Path) -> Iterator[None]:
    """Hold the folder: two csbots would share one Valkey file and answer twice."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(
                f"csbot already runs with the folder {folder} (process {lock.read().strip()}): "
                f"stop it first, or set CSBOT_VAR_DIR to another folder."
            ) from None
        lock.truncate(0)
        # Not worth failing for on a full disk: the lock is held, its owner's number is a courtesy.
        with contextlib.suppress(OSError):
            lock.write(f"{os.getpid()}\n")
            lock.flush()
        yield


def check_settings() -> None:
    """The first finding of Django's system checks, if any is an error."""
    for finding in checks.run_checks():
        if finding.is_serious():
            raise CannotStart(" ".join(filter(None, (finding.msg, finding.hint))))


def check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the web server does: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            raise CannotStart(f"{host} is no address: set CSBOT_HOST to one.") from None
        except OSError as error:
            raise CannotStart(_port_refusal(host, port, error)) from error


def _port_refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use: stop what listens there, or take another one "
            f"with CSBOT_PORT={port + 1}."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved for root: set CSBOT_PORT to one above 1023."
    return f"{host} is no address of this machine: set CSBOT_HOST to one."


def check_disk(folder: Path, needed: int = NEEDED_FREE_BYTES) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CannotStart(
            f"Only {free // 1024**2} MB are free in {folder}, and csbot needs "
            f"{needed // 1024**2} MB: free some space, or set CSBOT_VAR_DIR to another disk."
        )


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """A disk that fills up on the way, said in one sentence."""
    full = CannotStart(
        f"The disk of {folder} is full: free some space, or set CSBOT_VAR_DIR to another disk."
    )
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full from error
        raise
    except OperationalError as error:
        if "disk is full" in str(error):
            raise full from error
        raise


def prepare_model() -> None:
    """Fetch and export the base model unless that is done, or the engine needs none.

    In processes of their own: the libraries that do it would stay in memory until csbot ends.
    """
    if settings.CHAT_ENGINE in WEIGHTLESS:
        return
    if not settings.MODELS_DIR.exists():
        check_disk(settings.VAR_DIR, NEEDED_MODEL_BYTES)
    for command in ("fetch_model", "export_model"):
        done = subprocess.run(
            [sys.executable, "manage.py", command], cwd=settings.BASE_DIR, check=False
        )
        if done.returncode:
            with contextlib.suppress(OSError):
                # Empty again: the next start checks the disk again.
                (settings.MODELS_DIR / "base").rmdir()
                settings.MODELS_DIR.rmdir()
            raise CannotStart(
                f"The model {settings.CHAT_MODEL} could not be prepared ({command}); the line "
                f"above says why. CHAT_ENGINE=echo starts csbot without a model."
            )


def index_knowledge() -> None:
    """Turn approved questions into vectors that are not there yet: a minute after the first start."""
    done = subprocess.run(
        [sys.executable, "manage.py", "index_knowledge"], cwd=settings.BASE_DIR, check=False
    )
    if done.returncode:
        raise CannotStart(
            "The knowledge could not be indexed; the line above says why. "
            "CHAT_EMBEDDER=ngrams starts csbot without a model for it."
        )


def commands() -> dict[str, str]:
    """The Procfile's processes, and before them the embedded Valkey unless a server is set."""
    ours = procfile(settings.BASE_DIR / "Procfile")
    if not settings.EMBEDDED_VALKEY:
        return ours
    folder = settings.VALKEY_SOCKET.parent
    valkey.prepare(folder)
    try:
        return {"valkey": shlex.join(valkey.command(folder)), **ours}
    except valkey.ValkeyError as error:
        raise CannotStart(str(error)) from error


def environment() -> dict[str, str]:
    """What the Procfile's commands read: ours first on the path, and the address to listen on."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    return {
        **os.environ,
        "PATH": path,
        "PYTHONUNBUFFERED": "1",
        "CSBOT_HOST": settings.HOST,
        "CSBOT_PORT": str(settings.PORT),
    }


def wait_for_web(host: str, port: int) -> bool:
    """Whether the web server answers in time; any status is an answer."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared)
    address = f"[{reachable}]" if ":" in reachable else reachable
    deadline = time.monotonic() + WEB_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{address}:{port}/", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.1)
    return False

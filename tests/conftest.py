"""What every test stands on: a folder of its own, a real Valkey, a real database file.

Django's settings are read once, so the environment is made here, before anything of Django is
imported: no setting of the person who runs the tests reaches them.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from csbot import env

# Machines that are busy are no failures, and a change is not judged by luck: where it lands the
# same examples are tried each time; new ones are looked for wherever people work.
hypothesis.settings.register_profile("csbot", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("csbot")

for _setting in env.SETTINGS:
    os.environ.pop(_setting.name, None)

# Short, because a socket's path may have about a hundred bytes.
VAR_DIR = Path(tempfile.mkdtemp(prefix="csbot-test-"))
os.environ["CSBOT_VAR_DIR"] = str(VAR_DIR)
os.environ["CSBOT_SECRET_KEY"] = "only-for-tests-" + "x" * 40
os.environ["CHAT_ENGINE"] = "echo"
os.environ["DJANGO_SETTINGS_MODULE"] = "csbot.settings"
# Asynchronous tests arrange their rows with plain queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

from csbot import valkey  # noqa: E402
from tests import postgres  # noqa: E402

_stops: list[Callable[[], object]] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers, then let Django read its settings."""
    if config.getoption("help") or config.getoption("collectonly"):
        stop_postgres = None
    else:
        stop_postgres = postgres.start_if_asked(VAR_DIR)
    if stop_postgres is not None:
        _stops.append(stop_postgres)
    from django.conf import settings

    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    server = valkey.start(settings.VALKEY_SOCKET.parent)
    _stops.append(server.wait)
    _stops.append(server.terminate)


def pytest_unconfigure() -> None:
    while _stops:
        _stops.pop()()
    shutil.rmtree(VAR_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite in a file: in memory, threads and sockets of one test would not see one database."""
    from django.db import connections

    database = connections["default"].settings_dict
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(VAR_DIR / "test.sqlite3")


@pytest.fixture(autouse=True)
def _empty_valkey() -> None:
    """Counters and calls of one test never reach the next."""
    import redis
    from django.conf import settings

    with redis.Redis.from_url(settings.VALKEY_URL) as client:
        client.flushall()

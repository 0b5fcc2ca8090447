"""What every test stands on: a folder of its own, a real Valkey, a real database file."""

import os
import shutil
from collections.abc import Callable, Iterator

import hypothesis
import pytest
from pytest_django import DjangoDbBlocker

from csbot import valkey
from tests import postgres
from tests.environment import VAR_DIR

# Machines that are busy are no failures, and a change is not judged by luck: where it lands the
# same examples are tried each time; new ones are looked for wherever people work.
hypothesis.settings.register_profile("csbot", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("csbot")

os.environ["DJANGO_SETTINGS_MODULE"] = "csbot.settings"

_stops: list[Callable[[], object]] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers, then let Django read its settings."""
    if config.getoption("help") or config.getoption("collectonly") or _only_distributes(config):
        return
    stop_postgres = postgres.start_if_asked(VAR_DIR)
    if stop_postgres is not None:
        _stops.append(stop_postgres)
    from django.conf import settings

    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    server = valkey.start(settings.VALKEY_SOCKET.parent)
    _stops.append(server.wait)
    _stops.append(server.terminate)


def _only_distributes(config: pytest.Config) -> bool:
    """With ``-n`` this process runs no test: each of its workers has servers of its own."""
    return bool(config.getoption("numprocesses")) and not hasattr(config, "workerinput")


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


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A page asked for in Chinese leaves its language behind in the thread of the test."""
    from django.conf import settings
    from django.utils import translation

    with translation.override(settings.LANGUAGE_CODE):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Tests that commit empty all tables afterwards, which the audit trail refuses: its guards are
    put back where they are what is tested."""
    from django.db import connection

    from moderation.audit import guards

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        guards.remove(cursor, connection.vendor)
    yield
    if connection.vendor == "postgresql":
        # A thread that outlived its test may hold a connection, and PostgreSQL then drops nothing.
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

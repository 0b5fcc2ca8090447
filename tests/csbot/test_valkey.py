"""The embedded Valkey: private, durable, gone with its parent, spoken to by both libraries."""

import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import redis
from channels.layers import get_channel_layer
from django.conf import settings
from kombu.connection import Connection

from csbot import valkey
from tests.services import wait_until

CHILD_OF_A_PARENT = """
import pathlib, sys, time
from csbot import valkey
print(valkey.start(pathlib.Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="csbot-valkey-") as name:
        yield Path(name) / "valkey"


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.wait()


def test_server_is_reached_by_its_owner_alone(folder: Path) -> None:
    server = valkey.start(folder)
    try:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert psutil.Process(server.pid).net_connections("inet") == []
    finally:
        stop(server)


def test_what_it_was_told_survives_a_restart(folder: Path) -> None:
    server = valkey.start(folder)
    with redis.Redis(unix_socket_path=str(folder / valkey.SOCKET_NAME)) as client:
        client.set("kept", "yes")
    stop(server)
    server = valkey.start(folder)
    with redis.Redis(unix_socket_path=str(folder / valkey.SOCKET_NAME)) as client:
        assert client.get("kept") == b"yes"
    stop(server)


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's mark exists on Linux alone")
def test_server_ends_when_its_parent_is_killed(folder: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", CHILD_OF_A_PARENT, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not psutil.pid_exists(pid), "the server ended", 5)


def test_long_path_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(valkey.ValkeyError, match="set CSBOT_VAR_DIR to a shorter folder"):
        valkey.command(tmp_path / ("x" * 100))


def test_server_that_ends_at_once_is_told(folder: Path) -> None:
    folder.mkdir()
    (folder / "appendonlydir").write_text("in the way")
    with pytest.raises(valkey.ValkeyError, match="ended at once"):
        valkey.start(folder)


async def test_channel_layer_speaks_over_the_socket() -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    await layer.group_send("room", {"type": "bell"})
    assert await layer.receive(channel) == {"type": "bell"}
    await layer.flush()


def test_task_broker_speaks_over_the_socket() -> None:
    with Connection(settings.CELERY_BROKER_URL) as connection:
        connection.ensure_connection(max_retries=1)
        with connection.SimpleQueue("bells") as queue:
            queue.put("ring")
            message = queue.get(timeout=2)
            message.ack()
        assert message.payload == "ring"
    with redis.Redis.from_url(settings.VALKEY_URL) as client:
        assert client.exists("_kombu.binding.bells")

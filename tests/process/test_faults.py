"""Real processes die, stop and forget; no message is lost and no answer comes twice."""

import asyncio
import contextlib
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from websockets.exceptions import ConnectionClosed

from tests.customer import Customer, Heard
from tests.services import Services

pytestmark = pytest.mark.process

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


@pytest.fixture(scope="module")
def csbot() -> Iterator[Services]:
    limits = dict.fromkeys(
        ("CHAT_RATE_MESSAGES_PER_VISITOR", "CHAT_RATE_MESSAGES_PER_ADDRESS",
         "CHAT_RATE_VISITORS_PER_ADDRESS", "CHAT_RATE_SOCKETS_PER_ADDRESS"),
        "10000/minute",
    )  # fmt: skip
    with Services(
        CHAT_ECHO_DELAY_SECONDS="0.1", CHAT_LEASE_SECONDS="2", CHAT_SWEEP_SECONDS="0.5", **limits
    ) as services:
        services.seed()
        services.start("web", "runner")
        yield services


@pytest.fixture
def bot(csbot: Services) -> str:
    with contextlib.closing(_database(csbot)) as connection:
        ((public_id,),) = connection.execute("SELECT public_id FROM chat_bot").fetchall()
    return str(public_id)


def _database(csbot: Services) -> Any:
    import sqlite3

    return sqlite3.connect(csbot.var / "csbot.sqlite3")


@contextlib.asynccontextmanager
async def customer(csbot: Services, bot: str) -> AsyncIterator[Customer]:
    person = Customer(csbot.url, bot)
    try:
        yield await person.come_in()
    finally:
        await person.leave()


async def begin(person: Customer, text: str = LONG) -> Heard:
    """Ask, and return as soon as the answer has begun."""
    await person.say(text)
    heard = Heard()
    while not heard.first_delta:
        person.hear(heard, await person.frame(10), 1.0)
    return heard


async def finish(person: Customer, heard: Heard) -> Heard:
    while not heard.settled:
        person.hear(heard, await person.frame(30), 2.0)
    return heard


def answers(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(m["status"], m["text"]) for m in messages if m["role"] == "assistant"]


async def test_a_killed_runner_costs_one_lease_and_no_answer(csbot: Services, bot: str) -> None:
    async with customer(csbot, bot) as person:
        heard = await begin(person)
        csbot.kill("runner")
        csbot.start("runner")
        await finish(person, heard)

        assert heard.message["text"] == LONG
        assert answers(await person.messages()) == [("sent", LONG)]


async def test_a_stopped_runner_gives_its_work_to_the_next(csbot: Services, bot: str) -> None:
    async with customer(csbot, bot) as person:
        longer = " ".join(f"word {number}" for number in range(30))
        heard = await begin(person, longer)
        runner = csbot.processes.pop("runner")
        runner.send_signal(signal.SIGTERM)
        csbot.start("runner")
        await finish(person, heard)
        assert runner.wait(15) == 0

        assert answers(await person.messages()) == [("sent", longer)]


async def test_an_emptied_valkey_loses_nothing(csbot: Services, bot: str) -> None:
    async with customer(csbot, bot) as person:
        heard = await begin(person)
        with redis.Redis(unix_socket_path=str(csbot.var / "valkey" / "valkey.sock")) as client:
            client.flushall()
        await finish(person, heard)
        assert (await person.ask("and then?")).message["text"] == "and then?"


async def test_a_killed_valkey_loses_nothing(csbot: Services, bot: str) -> None:
    async with customer(csbot, bot) as person:
        await begin(person)
        csbot.kill("valkey")
        await person.http.post(
            f"conversations/{person.conversation}/messages",
            json={
                "client_message_id": "6f1dff0e-9e2c-4a9f-8a2c-0d3f7c1f9a11",
                "text": "still there?",
            },
        )
        await asyncio.sleep(1)
        csbot.start_valkey()
        said: list[tuple[str, str]] = []
        for _ in range(100):
            said = answers(await person.messages())
            if all(status == "sent" for status, _ in said):
                break
            await asyncio.sleep(0.1)
        assert said == [("sent", LONG), ("sent", "still there?")]
        # Sockets that stayed open hear again, too.
        await asyncio.sleep(2)
        assert (await person.ask("and now?")).message["text"] == "and now?"


async def test_reconnecting_in_mid_answer_shows_the_rest(csbot: Services, bot: str) -> None:
    async with customer(csbot, bot) as person:
        heard = await begin(person)
        assert person.socket is not None
        await person.socket.close()
        await asyncio.sleep(0.3)
        await person.connect()
        await person.send("conversation.resume", after=1)
        state = await person.frame()
        while state["type"] != "conversation.state":
            state = await person.frame()
        assert [m["status"] for m in state["messages"]] == ["generating"]
        repeated = Heard()
        await finish(person, repeated)

        assert repeated.streamed.startswith("one two")
        assert LONG.startswith(repeated.streamed)
        assert len(repeated.streamed) > len(heard.streamed)


async def test_a_browser_that_never_reads_is_let_go(csbot: Services, bot: str) -> None:
    """It costs the web server no memory to speak of, and nobody else notices."""
    from channels_redis.pubsub import RedisPubSubChannelLayer

    address = f"unix://{csbot.var / 'valkey' / 'valkey.sock'}?db=0"
    layer = RedisPubSubChannelLayer(hosts=[address], prefix="csbot")
    async with customer(csbot, bot) as stuck, customer(csbot, bot) as other:
        assert stuck.socket is not None
        stuck.socket.transport.pause_reading()
        before = _memory(csbot.processes["web"].pid)
        group = f"conversation.{stuck.conversation.replace('-', '')}"
        frame = {"type": "event", "frame": {"type": "pong", "padding": "x" * 8000}}
        for number in range(3000):
            await layer.group_send(group, frame)
            if number % 10 == 0:
                await asyncio.sleep(0.02)
        await _until_nobody_watches(address, group)
        stuck.socket.transport.abort()
        assert (await other.ask("unharmed?")).message["text"] == "unharmed?"
        assert _memory(csbot.processes["web"].pid) - before < 8 * 2**20  # of 24 MB sent
        await layer.flush()


async def _until_nobody_watches(address: str, group: str) -> None:
    with redis.Redis.from_url(address) as client:
        for _ in range(200):
            if not any(group.encode() in name for name in client.pubsub_channels()):
                return
            await asyncio.sleep(0.1)
    raise TimeoutError("the stuck browser is still served")


def _memory(pid: int) -> int:
    """Resident bytes of a process; the server may run below a shell."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


HOSTILE = [b"\x00" * 100, "x" * 1_000_000, "[" * 16_000, '{"type": ' + "9" * 10_000 + "}", "\x00"]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_frames_are_answered_or_closed_without_a_trace(
    csbot: Services, bot: str, hostile: str | bytes
) -> None:
    quiet = len(csbot.log("web"))
    async with customer(csbot, bot) as person:
        assert person.socket is not None
        try:
            await person.socket.send(hostile)
            outcome = (await person.frame(5))["type"]
        except ConnectionClosed as closed:
            outcome = closed.rcvd and closed.rcvd.code
    assert outcome in ("error", 1009)
    assert "Traceback" not in csbot.log("web")[quiet:]


def test_raw_noise_on_the_socket_leaves_no_trace(csbot: Services) -> None:
    quiet = len(csbot.log("web"))
    for noise in (b"\x00" * 44, b"GET /ws/v1/chat HTTP/1.1\r\n\r\n", b"\xff\xfe" * 2000):
        with socket.create_connection(("127.0.0.1", csbot.port), timeout=2) as raw:
            raw.sendall(noise)
            raw.settimeout(0.5)
            with contextlib.suppress(OSError):
                raw.recv(1000)
    time.sleep(0.1)
    assert "Traceback" not in csbot.log("web")[quiet:]

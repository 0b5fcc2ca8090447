"""A thousand secrets are typed into the real chat; nothing but ciphertext of them stays anywhere."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.customer import Customer
from tests.services import Services

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

CANARIES = 1000
PER_MESSAGE = 5
PER_CUSTOMER = 50
_RANDOM = random.Random(20)


def phone() -> str:
    return f"13{_RANDOM.randrange(10**9):09}"


def mail() -> str:
    return f"canary{_RANDOM.randrange(10**9)}@mail.example"


def card() -> str:
    digits = f"453201{_RANDOM.randrange(10**9):09}"
    doubled = [int(each) * (2 - index % 2) for index, each in enumerate(reversed(digits))]
    total = sum(each - 9 if each > 9 else each for each in doubled)
    return f"{digits}{-total % 10}"


def resident_id() -> str:
    number = f"110105{_RANDOM.randrange(1950, 2005)}{_RANDOM.randrange(1, 13):02}"
    number += f"{_RANDOM.randrange(1, 29):02}{_RANDOM.randrange(1000):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(each) * weight for each, weight in zip(number, weights, strict=True))
    return number + "10X98765432"[total % 11]


Kind = Callable[[], str]

SENTENCES: dict[Kind, str] = {
    phone: "my number is {}",
    mail: "write to {} please",
    card: "I paid with {}",
    resident_id: "我的身份证号是{}",
}


def parts(canaries: list[tuple[Kind, str]], size: int) -> list[list[tuple[Kind, str]]]:
    return [canaries[start : start + size] for start in range(0, len(canaries), size)]


class Eavesdropper:
    """Everything that anybody asks of Valkey, as it hears it."""

    def __init__(self, path: Path) -> None:
        self.heard: list[str] = []
        self._client = redis.Redis(unix_socket_path=str(path))
        self._monitor = self._client.monitor()
        self._monitor.__enter__()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            for command in self._monitor.listen():
                self.heard.append(str(command["command"]))
        except (redis.RedisError, OSError, ValueError):
            return

    def close(self) -> None:
        self._client.save()
        self._monitor.__exit__(None, None, None)
        self._client.close()


@pytest.fixture
def csbot() -> Iterator[Services]:
    limits = dict.fromkeys(
        ("CHAT_RATE_MESSAGES_PER_VISITOR", "CHAT_RATE_MESSAGES_PER_ADDRESS",
         "CHAT_RATE_VISITORS_PER_ADDRESS", "CHAT_RATE_SOCKETS_PER_ADDRESS"),
        "10000/minute",
    )  # fmt: skip
    with Services(CHAT_ECHO_DELAY_SECONDS="0", CSBOT_LOG_LEVEL="DEBUG", **limits) as services:
        services.seed()
        services.start("web", "runner")
        yield services


async def test_a_thousand_canaries_leave_no_trace(csbot: Services) -> None:
    bot = csbot.manage(
        "shell", "-v", "0", "-c", "from chat.models import Bot; print(Bot.objects.get().public_id)"
    ).strip()
    kinds = list(SENTENCES)
    canaries = [(kinds[number % 4], kinds[number % 4]()) for number in range(CANARIES)]
    ears = Eavesdropper(csbot.var / "valkey" / "valkey.sock")

    shown: list[str] = []
    for part in parts(canaries, PER_CUSTOMER):
        shown += await asyncio.wait_for(_type(csbot.url, bot, part), 60)
    ears.close()

    secrets = [canary for _, canary in canaries]
    places = {
        str(path.relative_to(csbot.var)): path.read_bytes()
        for path in csbot.var.rglob("*")
        if path.is_file()
    }
    assert any(name.endswith(".sqlite3") for name in places)
    assert any(name.endswith(".rdb") for name in places)
    places["what passed through Valkey"] = "\n".join(ears.heard).encode()
    places["what customers saw, and the model was sent"] = "\n".join(shown).encode()
    assert b"PHONE_" in places["what passed through Valkey"]
    assert b"ID_NUMBER_" in places["what customers saw, and the model was sent"]
    leaks = {
        name: [secret for secret in secrets if secret.encode() in content]
        for name, content in places.items()
    }
    assert {name: found for name, found in leaks.items() if found} == {}


async def _type(url: str, bot: str, canaries: list[tuple[Kind, str]]) -> list[str]:
    """One customer's messages; what the echoing bot says is what the model was sent."""
    person = await Customer(url, bot).come_in()
    try:
        shown = []
        for part in parts(canaries, PER_MESSAGE):
            text = ", ".join(SENTENCES[kind].format(canary) for kind, canary in part)
            heard = await person.ask(text)
            shown.append(heard.streamed + heard.message["text"])
        return shown
    finally:
        await person.leave()

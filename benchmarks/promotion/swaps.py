"""Other models go live while ten customers ask; then the one before comes back.

An answer counts as failed when it was not sent, as mixed when it holds words of two versions, as
doubled when a question has two answers. The stall is what the time to the first words gains at P99
against the same customers without a swap. Rolling back is timed from the call that the button
makes to the last word of the first answer by the old version.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async

from benchmarks.machine import Figure, figure, percentile
from benchmarks.place import Options
from benchmarks.promotion.staged import Staged, active, make_bot, wait_until_served
from tests.chat.versioned import answer_of, version_of
from tests.customer import Customer, Heard

if TYPE_CHECKING:
    from chat.models import Bot

CUSTOMERS = 10
SWAPS = 100
CALM_SECONDS = 20
BETWEEN_SECONDS = 0.2
ROLL_BACKS = 10


@dataclass(slots=True)
class Load:
    """What the customers heard while something else was done."""

    heard: list[Heard] = field(default_factory=list)
    asked: int = 0

    @property
    def first_words(self) -> list[float]:
        return [1000 * each.first_delta for each in self.heard if each.first_delta]


def measure(csbot: Staged, options: Options) -> list[Figure]:
    bot = make_bot("swaps", "one")
    csbot.start("web")
    csbot.start_runner()
    wait_until_served(bot)
    try:
        return asyncio.run(_measure(csbot, bot, options))
    finally:
        csbot.stop("runner")
        csbot.stop("web")


async def _measure(csbot: Staged, bot: "Bot", options: Options) -> list[Figure]:
    people = [Customer(csbot.url, str(bot.public_id)) for _ in range(CUSTOMERS)]
    for each in people:
        await each.come_in()
    try:
        calm = Load()
        await _while_asking(people, calm, asyncio.sleep(2 if options.is_quick else CALM_SECONDS))
        busy = Load()
        swaps = options.scaled(SWAPS)
        await _while_asking(people, busy, _swap(bot, swaps))
        written = [await each.messages() for each in people]
        backs = [await _roll_back(bot, people[0]) for _ in range(options.scaled(ROLL_BACKS))]
    finally:
        for each in people:
            await each.leave()
    return _figures(calm, busy, written, backs, swaps)


async def _while_asking(people: list[Customer], load: Load, deed: Awaitable[object]) -> None:
    is_over = asyncio.Event()

    async def ask(person: Customer) -> None:
        for number in itertools.count():
            if is_over.is_set():
                return
            load.asked += 1
            load.heard.append(await person.ask(f"Question {number} of {id(person)}?"))

    tasks = [asyncio.create_task(ask(each)) for each in people]
    await deed
    is_over.set()
    await asyncio.gather(*tasks)


async def _swap(bot: "Bot", count: int) -> None:
    from chat.services import deploying
    from chat.services.deploying import Model

    for number in range(count):
        model = Model(f"swap{number}", engine="echo")
        before = await sync_to_async(active)(bot)
        await sync_to_async(deploying.deploy)(bot, model, replacing=before)
        await sync_to_async(wait_until_served)(bot)
        await asyncio.sleep(BETWEEN_SECONDS)


async def _roll_back(bot: "Bot", person: Customer) -> float:
    """Seconds until somebody has heard the old version."""
    from chat.selectors import deployments_before
    from chat.services import deploying

    before = await sync_to_async(active)(bot)
    old = await sync_to_async(lambda: deployments_before(before).first())()
    assert old is not None
    began = time.monotonic()
    model = await sync_to_async(deploying.model_of)(old)
    await sync_to_async(deploying.deploy)(bot, model, replacing=before)
    for number in itertools.count():
        heard = await person.ask(f"Who are you now, {number}?")
        if version_of(heard.message["text"]) == old.artifact:
            return time.monotonic() - began
    raise AssertionError


def _figures(
    calm: Load, busy: Load, written: list[list[dict[str, Any]]], backs: list[float], swaps: int
) -> list[Figure]:
    answers = [each for each in busy.heard if each.message.get("status") == "sent"]
    mixed = [each for each in answers if not _is_whole(each.message["text"])]
    asked = sum(each["role"] == "customer" for messages in written for each in messages)
    told = sum(each["role"] != "customer" for messages in written for each in messages)
    versions = {version_of(each.message["text"]) for each in answers}
    stall = percentile(busy.first_words, 99) - percentile(calm.first_words, 99)
    return [
        figure("swaps: done under load", "", [swaps], at_least=swaps),
        figure("swaps: answers meanwhile", "", [len(busy.heard)]),
        figure("swaps: versions that answered", "", [len(versions)]),
        figure("swaps: failed answers", "", [len(busy.heard) - len(answers)], at_most=0),
        figure("swaps: lost answers", "", [busy.asked - len(busy.heard)], at_most=0),
        figure("swaps: mixed answers", "", [len(mixed)], at_most=0),
        figure("swaps: answers too many", "", [max(0, told - asked)], at_most=0),
        figure("swaps: first words without a swap, P99", "ms", [percentile(calm.first_words, 99)]),
        figure("swaps: first words while swapping, P99", "ms", [percentile(busy.first_words, 99)]),
        figure("swaps: stall added, P99", "ms", [max(0.0, stall)], at_most=300),
        figure("swaps: roll back to the old version's answer", "s", [max(backs)], at_most=5),
    ]


def _is_whole(text: str) -> bool:
    return text == answer_of(version_of(text))

"""Runners and promoters die at random moments: what serves is always exactly one whole version.

A promoter goes back and forth between two models without a pause; it or the runner is killed, and
the rows are looked at. Then the runner has to be found serving what the rows say, and to answer.
"""

import asyncio
import random
import time
from typing import TYPE_CHECKING

from benchmarks.machine import Figure, figure
from benchmarks.place import Options
from benchmarks.promotion.staged import Staged, active, make_bot, wait_until_served
from tests.chat.versioned import answer_of
from tests.customer import Customer
from tests.services import wait_until

if TYPE_CHECKING:
    from chat.models import Bot

KILLS = 100
PROMOTER = "benchmarks.promotion.promoter"


def measure(csbot: Staged, options: Options) -> list[Figure]:
    from chat.models import RunnerReport

    bot = make_bot("kills", "left", "right")
    csbot.start("web")
    csbot.start_runner()
    wait_until_served(bot)
    draw = random.Random(7)
    broken = 0
    seconds: list[float] = []
    kills = options.scaled(KILLS)
    for number in range(kills):
        versions = bot.deployments.count()
        csbot.spawn("promoter", PROMOTER, bot.slug)
        wait_until(lambda seen=versions: bot.deployments.count() > seen, "the promoter works")  # type: ignore[misc]
        time.sleep(draw.uniform(0.0, 1.5))
        if number % 2:
            csbot.kill("promoter")
        else:
            csbot.kill("runner")
            csbot.kill("promoter")
        broken += not _is_whole(bot)
        if number % 2 == 0:
            # What the dead one said of itself is no proof of anything.
            RunnerReport.objects.all().delete()
            csbot.start_runner()
        began = time.monotonic()
        wait_until_served(bot)
        seconds.append(time.monotonic() - began)
        broken += not asyncio.run(_is_served(csbot, bot))
    csbot.stop("runner")
    csbot.stop("web")
    return [
        figure("kills: at random moments", "", [kills]),
        figure("kills: deployments written meanwhile", "", [bot.deployments.count()]),
        figure("kills: without exactly one whole active version", "", [broken], at_most=0),
        figure("kills: until it is served again", "s", seconds),
    ]


def _is_whole(bot: "Bot") -> bool:
    """One active row, numbered without a gap, and a decision behind each new one."""
    from training.models import Promotion

    rows = list(bot.deployments.order_by("version").values_list("version", "is_active"))
    return (
        [version for version, _ in rows] == list(range(1, len(rows) + 1))
        and sum(is_active for _, is_active in rows) == 1
        and Promotion.objects.filter(bot=bot).count() == len(rows) - 2
    )


async def _is_served(csbot: Staged, bot: "Bot") -> bool:
    from asgiref.sync import sync_to_async

    person = Customer(csbot.url, str(bot.public_id))
    await person.come_in()
    try:
        heard = await person.ask(f"Who are you at {time.time()}?")
    finally:
        await person.leave()
    expected = (await sync_to_async(active)(bot)).artifact
    return bool(heard.message["text"] == answer_of(expected))

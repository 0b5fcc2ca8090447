"""A runner and a promoter die at random moments: one whole version serves, before and after."""

import asyncio
import random
import time
from collections.abc import Iterator

import pytest

from tests.customer import Customer
from tests.services import Services, wait_until

pytestmark = pytest.mark.process

BOT = """
from chat.models import Bot, Deployment
bot = Bot.objects.create(slug="two", name="Two", instructions={"en": "Be brief."},
                         confidence_threshold=0, unsure_answers="show")
for number, artifact in enumerate(("left", "right"), 1):
    Deployment.objects.create(bot=bot, version=number, engine="echo", artifact=artifact,
                              is_active=number == 2)
print(bot.public_id)
"""
ROWS = "SELECT version, is_active, artifact FROM chat_deployment ORDER BY version"
DECISIONS = "SELECT count(*) FROM training_promotion"
SERVED = """SELECT count(*) FROM chat_runnerreport JOIN chat_deployment d ON serving_id = d.id
WHERE d.is_active AND state = 'serving' AND wanted_id = d.id"""


@pytest.fixture(scope="module")
def csbot() -> Iterator[Services]:
    with Services(CHAT_ECHO_DELAY_SECONDS="0.02", CHAT_LEASE_SECONDS="2") as services:
        yield services


def rows(csbot: Services, query: str) -> list[tuple[object, ...]]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(csbot.var / "csbot.sqlite3")) as connection:
        return connection.execute(query).fetchall()


def served(csbot: Services) -> bool:
    return rows(csbot, SERVED) == [(1,)]


def check_whole(csbot: Services) -> None:
    deployments = rows(csbot, ROWS)
    assert [row[0] for row in deployments] == list(range(1, len(deployments) + 1))
    assert sum(bool(row[1]) for row in deployments) == 1
    assert rows(csbot, DECISIONS) == [(len(deployments) - 2,)]


def test_kills_leave_one_whole_version_that_is_found_again(csbot: Services) -> None:
    bot = csbot.manage("shell", "--no-imports", "-c", BOT).strip().splitlines()[-1]
    csbot.start("web", "runner")
    wait_until(lambda: served(csbot), "the first version is served")
    draw = random.Random(3)
    for victim in ("promoter", "runner"):
        before = len(rows(csbot, ROWS))
        csbot.spawn("promoter", "benchmarks.promotion.promoter", "two")
        wait_until(lambda seen=before: len(rows(csbot, ROWS)) > seen, "it promotes")  # type: ignore[misc]
        time.sleep(draw.uniform(0, 0.5))
        if victim == "runner":
            csbot.kill("runner")
        csbot.kill("promoter")
        check_whole(csbot)
        if victim == "runner":
            # What the dead one said of itself is no proof of anything.
            import sqlite3

            with sqlite3.connect(csbot.var / "csbot.sqlite3") as connection:
                connection.execute("DELETE FROM chat_runnerreport")
            csbot.start("runner")
        wait_until(lambda: served(csbot), "what is wanted is served")
    check_whole(csbot)
    assert asyncio.run(_answer(csbot, bot)) == "are you there"


async def _answer(csbot: Services, bot: str) -> str:
    person = Customer(csbot.url, bot)
    await person.come_in()
    try:
        return str((await person.ask("are you there")).message["text"])
    finally:
        await person.leave()

"""A csbot of its own whose runners say which version they are, and a bot with two models."""

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import django

from tests.chat.versioned import LOADING, PAUSE
from tests.services import Services, wait_until

if TYPE_CHECKING:
    from chat.models import Bot, Deployment

LOADING_SECONDS = 0.5
"""Taken by the engine before it can answer, as if files were read."""
WORD_SECONDS = 0.02


class Staged(Services):
    """Services whose runner is :mod:`tests.chat.versioned`."""

    def start_runner(self, name: str = "runner") -> None:
        self.spawn(name, "tests.chat.versioned")


@contextlib.contextmanager
def staged() -> Iterator[Staged]:
    """Migrated, with Valkey; Django of this process stands on the same database."""
    doors = dict.fromkeys(
        ("CHAT_RATE_MESSAGES_PER_VISITOR", "CHAT_RATE_MESSAGES_PER_ADDRESS",
         "CHAT_RATE_VISITORS_PER_ADDRESS", "CHAT_RATE_SOCKETS_PER_ADDRESS"),
        "1000000/minute",
    )  # fmt: skip
    csbot = Staged(CSBOT_LOG_LEVEL="WARNING", CHAT_QUEUE_LIMIT="1000", **doors)
    with csbot:
        csbot.environment |= {PAUSE: str(WORD_SECONDS), LOADING: str(LOADING_SECONDS)}
        os.environ.update(csbot.environment)
        django.setup()
        yield csbot


def make_bot(slug: str, *artifacts: str) -> "Bot":
    """A bot that says whatever its engine says; the last of ``artifacts`` serves."""
    from chat.models import Bot, Deployment

    bot = Bot.objects.create(
        slug=slug, name=slug, instructions={"en": "Be brief."},
        confidence_threshold=0, unsure_answers="show",
    )  # fmt: skip
    for number, artifact in enumerate(artifacts, 1):
        Deployment.objects.create(
            bot=bot, version=number, engine="echo", artifact=artifact,
            is_active=number == len(artifacts),
        )  # fmt: skip
    return bot


def active(bot: "Bot") -> "Deployment":
    """Raises unless exactly one serves."""
    return bot.deployments.get(is_active=True)


def wait_until_served(bot: "Bot", seconds: float = 60) -> None:
    """Until a runner reports what is wanted."""
    from chat.models import RunnerReport

    wait_until(
        lambda: RunnerReport.objects.filter(bot=bot, serving=active(bot), state="serving").exists(),
        f"{bot} is served",
        seconds,
    )

"""The page of analytics over 100,000 messages: seconds until it is there, on the database in use."""

import io
import time
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from benchmarks.console import history
from benchmarks.machine import Figure, figure
from chat.models import Deployment, Message
from chat.selectors import demo_bot

MESSAGES = 100_000
DAYS = 180
ROUNDS = 5
MOST_SECONDS = 1.0


def measure(messages: int = MESSAGES) -> list[Figure]:
    """Needs an empty, migrated database; leaves its rows there."""
    call_command("seed_demo", verbosity=0, stdout=io.StringIO())
    bot = demo_bot()
    assert bot is not None
    for version in (2, 3):
        Deployment.objects.create(bot=bot, version=version, artifact=f"shop-v{version}-int4")
    agents = [User.objects.create(username=f"agent-{n}", is_staff=True) for n in range(3)]
    history.write(bot, messages=messages, days=DAYS, agents=agents)
    client = _client()
    label = f"{Message.objects.count() // 1000},000 messages"
    return [
        figure(
            f"analytics: page of {days} days, {label}",
            "s",
            [_seconds(client, days) for _ in range(ROUNDS)],
            at_most=MOST_SECONDS if days == 30 else None,
        )
        for days in (7, 30, 90)
    ]


def _client() -> Client:
    """Somebody who sees everything, past the second factor."""
    user = User.objects.create_superuser("figures")
    client = Client()
    client.force_login(user)
    session: Any = client.session
    session["second_factor_of"] = user.pk
    session.save()
    return client


def _seconds(client: Client, days: int) -> float:
    began = time.perf_counter()
    page = client.get(reverse("admin:analytics"), {"days": days}, headers={"host": "localhost"})
    assert page.status_code == 200, page.status_code
    return time.perf_counter() - began

"""A new installation has a bot to talk to and somebody who may log in."""

from io import StringIO

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command

from chat.models import Bot
from chat.selectors import active_deployments, demo_bot

pytestmark = pytest.mark.django_db


def seed() -> str:
    out = StringIO()
    call_command("seed_demo", stdout=out)
    return out.getvalue()


def test_the_printed_password_opens_the_console_and_is_printed_once() -> None:
    printed = seed()
    password = printed.split("password")[-1].strip()

    assert authenticate(username="admin", password=password) is not None
    assert "password" not in seed()
    assert get_user_model().objects.count() == 1


def test_the_demo_bot_is_valid_and_deployed() -> None:
    seed()
    seed()
    bot = demo_bot()

    assert bot is not None
    bot.full_clean()
    assert [d.bot for d in active_deployments()] == [bot]
    assert Bot.objects.count() == 1


def test_staff_that_exists_is_left_alone() -> None:
    get_user_model().objects.create_superuser("chief", password="x" * 20)
    assert "password" not in seed()

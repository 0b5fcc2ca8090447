"""The pages behind the widget: who may frame them, and what they say without a bot."""

import uuid

import pytest
from django.test import Client

from chat.models import Bot

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    return Bot.objects.create(
        slug="demo", name="Ada", allowed_sites=["https://shop.example"], welcome={"en": '"><b>'}
    )


def test_panel_names_the_sites_that_may_frame_it(client: Client, bot: Bot) -> None:
    response = client.get(f"/widget/{bot.public_id}/")
    assert response["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "connect-src 'self' ws://testserver; img-src 'self' data:; font-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self' https://shop.example; "
        "require-trusted-types-for 'script'"
    )
    assert "X-Frame-Options" not in response


def test_panel_connects_securely_on_a_secure_page(client: Client, bot: Bot) -> None:
    response = client.get(f"/widget/{bot.public_id}/", secure=True)
    assert "wss://testserver" in response["Content-Security-Policy"]


def test_panel_escapes_what_staff_wrote(client: Client, bot: Bot) -> None:
    assert b"<b>" not in client.get(f"/widget/{bot.public_id}/").content


def test_panel_takes_only_known_languages_and_themes(client: Client, bot: Bot) -> None:
    page = client.get(f"/widget/{bot.public_id}/?locale=xx&theme=%22%3E").content
    assert b'<html lang="en" data-theme="auto">' in page


def test_panel_sets_no_cookie(client: Client, bot: Bot) -> None:
    assert not client.get(f"/widget/{bot.public_id}/").cookies


def test_panel_of_a_switched_off_or_unknown_bot_is_not_found(client: Client, bot: Bot) -> None:
    Bot.objects.update(is_active=False)
    assert client.get(f"/widget/{bot.public_id}/").status_code == 404
    assert client.get(f"/widget/{uuid.uuid4()}/").status_code == 404


def test_demo_carries_the_snippet(client: Client, bot: Bot) -> None:
    assert f'data-bot="{bot.public_id}"' in client.get("/").content.decode()


def test_demo_without_a_bot_says_what_to_do(client: Client) -> None:
    page = client.get("/").content
    assert b"seed_demo" in page
    assert b"loader.js" not in page


@pytest.mark.parametrize(
    ("query", "accepts", "lang"),
    [
        ("", "", "en"),
        ("", "zh-CN,zh;q=0.9", "zh-hans"),
        ("?lang=en", "zh-CN", "en"),
        ("?lang=zh-hans", "en", "zh-hans"),
        ("?lang=fr", "", "en"),
    ],
)
def test_demo_speaks_the_visitors_language(
    client: Client, query: str, accepts: str, lang: str
) -> None:
    page = client.get(f"/{query}", headers={"accept-language": accepts}).content.decode()
    assert f'<html lang="{lang}"' in page


def test_demo_cannot_be_framed(client: Client) -> None:
    response = client.get("/")
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]

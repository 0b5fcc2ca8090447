"""The console's pages for bots and conversations: usable by staff, closed to everybody else."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from chat.access import access_api_key
from chat.models import ApiKey, Bot
from tests.factories import BotFactory, MessageFactory, ReplyFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("chief"))
    return client


PAGES = [
    f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    for model in admin.site._registry
]


@pytest.mark.parametrize("page", PAGES)
def test_lists_open_for_staff_and_send_others_to_the_login(staff: Client, page: str) -> None:
    ReplyFactory(status="sent")

    assert staff.get(reverse(page)).status_code == 200
    staff.logout()
    answer = staff.get(reverse(page))
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/admin/login/")


def test_a_bot_is_edited_by_language_and_line(staff: Client) -> None:
    form: dict[str, Any] = {
        "name": "Shop",
        "slug": "shop",
        "is_active": "on",
        "theme_color": "#0b6b5d",
        "welcome_en": "Hello!",
        "welcome_zh_hans": "您好！",
        "starter_questions_en": "How long?\n\nHow much? ",
        "starter_questions_zh_hans": "",
        "instructions_en": "Be brief.",
        "instructions_zh_hans": "",
        "allowed_sites": "https://shop.example\nhttps://www.shop.example",
        "product_names": "Moonrise, Heron\n月升、鹭",
        "confidence_threshold": "0.4",
        "unsure_answers": "show",
    }

    answer = staff.post(reverse("admin:chat_bot_add"), form)

    assert answer.status_code == 302, answer.context["errors"]
    bot = Bot.objects.get()
    assert bot.welcome == {"en": "Hello!", "zh-hans": "您好！"}
    assert bot.starter_questions == {"en": ["How long?", "How much?"]}
    assert bot.allowed_sites == ["https://shop.example", "https://www.shop.example"]
    assert bot.product_names == ["Moonrise", "Heron", "月升", "鹭"]
    assert (bot.confidence_threshold, bot.unsure_answers) == (0.4, "show")
    page = staff.get(reverse("admin:chat_bot_change", args=[bot.pk])).content.decode()
    assert "How long?\nHow much?" in page
    assert f"data-bot=&quot;{bot.public_id}&quot;" in page


def test_a_bot_with_a_wrong_site_is_refused_in_place(staff: Client) -> None:
    form = {"name": "S", "slug": "s", "theme_color": "#0b6b5d", "allowed_sites": "shop.example; *"}

    answer = staff.post(reverse("admin:chat_bot_add"), form)

    assert answer.status_code == 200
    assert not Bot.objects.exists()
    assert "shop.example; *" in answer.content.decode()


def test_a_new_key_is_shown_once_and_works(staff: Client) -> None:
    bot = BotFactory()

    answer = staff.post(
        reverse("admin:chat_apikey_add"), {"bot": bot.pk, "name": "shop"}, follow=True
    )

    (message,) = (m for m in answer.context["messages"] if "not shown again" in str(m))
    key = str(message).split(": ")[-1]
    assert access_api_key(key).bot == bot
    assert bytes(ApiKey.objects.get().key_hash) != key.encode()


def test_what_customers_said_is_shown_as_text(staff: Client) -> None:
    message = MessageFactory(text="<script>alert(1)</script>")
    page = reverse("admin:chat_conversation_change", args=[message.conversation.pk])

    content = staff.get(page).content.decode()

    assert "&lt;script&gt;alert(1)" in content
    assert "<script>alert(1)" not in content


def test_conversations_cannot_be_changed_by_hand(staff: Client) -> None:
    message = MessageFactory()
    page = reverse("admin:chat_conversation_change", args=[message.conversation.pk])

    assert staff.post(page, {"status": "closed"}).status_code == 403

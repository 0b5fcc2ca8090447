"""The console's first page: what waits for whoever looks, of their own, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chat.models import Bot, Dispute, LeftMessage
from tests.chat.analytics.talk import asked, conversation, days_ago, person
from tests.factories import BotFactory, UserFactory

pytestmark = pytest.mark.django_db

HOME = reverse("admin:index")
ANSWER = "chat.answer_conversation"


@pytest.fixture
def bot() -> Bot:
    return BotFactory(slug="shop", name="Shop")


def waiting(page: Any) -> dict[str, int]:
    return {str(each.title): each.count for each in page.context["attention"]}


def test_nothing_waits_for_those_who_may_do_nothing(client: Client, bot: Bot) -> None:
    asked(conversation(bot, at=days_ago(1), status="waiting", waiting_since=days_ago(1)))
    client.force_login(person("ann", bots=(bot,)))

    page = client.get(HOME)

    assert waiting(page) == {}
    assert "Nothing at the moment." in page.text
    assert "The last 7 days" not in page.text


def test_customers_of_ones_own_bots_come_first(client: Client, bot: Bot) -> None:
    ann = person("ann", ANSWER, "chat.change_curatedanswer", bots=(bot,))
    other = BotFactory()
    for each in (bot, bot, other):
        since = timezone.now() - timedelta(hours=3, minutes=1)
        made = conversation(each, at=days_ago(1), status="waiting", waiting_since=since)
        LeftMessage.objects.create(conversation=made, contact=b"", text="Call me.")
    conversation(bot, at=days_ago(1), status="taken", agent=ann)
    conversation(bot, at=days_ago(1), status="taken", agent=UserFactory())
    reply = asked(conversation(bot, at=days_ago(1)))
    Dispute.objects.create(bot=bot, message=reply, locale="en", question="?", shown="!")
    client.force_login(ann)

    page = client.get(HOME)

    assert waiting(page) == {
        "Customers waiting for a person": 2,
        "Conversations that you have taken": 1,
        "Messages left while nobody was there": 2,
        "Disputed answers, out of service until you decide": 1,
    }
    assert [each.is_urgent for each in page.context["attention"]] == [True, True, True, False]
    assert "for 3 hours" in page.text.replace("\xa0", " ")


def test_the_week_is_shown_to_those_who_may_see_figures(client: Client, bot: Bot) -> None:
    asked(conversation(bot, at=days_ago(1)))
    client.force_login(person("ann", "chat.view_analytics", bots=(bot,)))

    page = client.get(HOME)

    assert "Resolved without a person" in page.text
    assert reverse("admin:analytics") in page.text
    client.force_login(person("ben", "chat.view_analytics"))
    assert client.get(HOME).context["week"] == []


def test_all_lists_stay_reachable_and_the_page_speaks_chinese(
    admin_client: Client, bot: Bot
) -> None:
    page = admin_client.get(HOME, headers={"accept-language": "zh-hans"}).text

    assert "待处理事项" in page
    assert reverse("admin:chat_bot_changelist") in page.split("所有列表")[1]


def test_queries_do_not_grow_with_what_waits(
    client: Client, bot: Bot, django_assert_max_num_queries: Any
) -> None:
    ann = person("ann", ANSWER, "chat.view_analytics", bots=(bot,))
    for _ in range(4):
        asked(conversation(bot, at=days_ago(1), status="waiting", waiting_since=days_ago(1)))
    client.force_login(ann)

    with django_assert_max_num_queries(32):
        client.get(HOME)

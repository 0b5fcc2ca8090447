"""The inbox's page, canned replies and office hours in the console."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from guardian.shortcuts import assign_perm

from chat.console.office_hours import OfficeHours
from chat.models import Bot, CannedReply
from tests.factories import BotFactory, UserFactory

pytestmark = pytest.mark.django_db
AGENT = ("answer_conversation", "view_cannedreply", "add_cannedreply", "change_cannedreply")


@pytest.fixture
def bot() -> Bot:
    return BotFactory()


def client_of(*permissions: str, bot: Bot | None = None) -> Client:
    user: User = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    if bot is not None:
        assign_perm("chat.work_on_bot", user, bot)
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("permissions", "status"), [(("answer_conversation",), 200), (("view_conversation",), 403)]
)
def test_the_inbox_is_for_those_who_answer(permissions: tuple[str, ...], status: int) -> None:
    page = client_of(*permissions).get(reverse("admin:inbox_page"))
    assert page.status_code == status


def test_the_navigation_leads_there(bot: Bot) -> None:
    page = client_of("answer_conversation", bot=bot).get(reverse("admin:index"))
    assert reverse("admin:inbox_page") in page.content.decode()
    other = client_of("view_conversation").get(reverse("admin:index"))
    assert reverse("admin:inbox_page") not in other.content.decode()


def test_an_agent_writes_replies_for_a_bot_of_theirs_alone(bot: Bot) -> None:
    client = client_of(*AGENT, bot=bot)
    fields = {"shortcut": "hello", "locale": "en", "text": "Hello.", "is_active": "on"}
    address = reverse("admin:chat_cannedreply_add")

    refused = [client.post(address, {**fields, "bot": wanted}) for wanted in ("", BotFactory().pk)]
    assert [each.status_code for each in refused] == [200, 200]
    assert not CannedReply.objects.exists()
    client.post(address, {**fields, "bot": bot.pk})
    assert CannedReply.objects.get().bot == bot
    client.post(address, {**fields, "bot": bot.pk})
    assert CannedReply.objects.count() == 1


def test_what_all_bots_say_is_seen_by_agents_and_not_changed(bot: Bot) -> None:
    shared = CannedReply.objects.create(shortcut="hello", text="Hello.")
    client = client_of(*AGENT, bot=bot)
    address = reverse("admin:chat_cannedreply_change", args=[shared.pk])

    assert client.get(address).status_code == 200
    posted = client.post(address, {"shortcut": "hello", "locale": "en", "text": "Changed."})
    assert posted.status_code == 403
    shared.refresh_from_db()
    assert shared.text == "Hello."


def test_a_reply_of_a_foreign_bot_is_not_there(bot: Bot) -> None:
    foreign = CannedReply.objects.create(shortcut="hello", text="Hello.", bot=BotFactory())
    client = client_of(*AGENT, bot=bot)
    for pk in (foreign.pk, 10**6):
        assert client.get(reverse("admin:chat_cannedreply_change", args=[pk])).status_code == 404


def test_office_hours_are_written_as_lines() -> None:
    field = OfficeHours(required=False)
    lines = ["Asia/Shanghai", "9:00-12:30, 13:30-18:00", "09:00 – 18:00", "", "", "", "", ""]
    value = field.clean(lines)
    assert value == {
        "timezone": "Asia/Shanghai",
        "weekly": {
            "mon": [["09:00", "12:30"], ["13:30", "18:00"]],
            "tue": [["09:00", "18:00"]],
        },
    }
    assert field.widget.decompress(value)[1] == "09:00-12:30, 13:30-18:00"
    assert field.clean([""] * 8) == {}

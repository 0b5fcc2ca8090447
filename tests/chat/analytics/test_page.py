"""The page of analytics and what is taken out of it: whose figures, and who may see them."""

import csv
import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chat.models import Bot
from moderation.models import AuditEntry
from tests.chat.analytics.talk import (
    asked,
    conversation,
    days_ago,
    person,
    thumb,
    unanswered,
)
from tests.factories import BotFactory, DeploymentFactory, approve

pytestmark = pytest.mark.django_db

PAGE = reverse("admin:analytics")
EXPORT = reverse("admin:analytics_export")
LOOK = "chat.view_analytics"
TAKE = "chat.export_analytics"
READ = "chat.view_conversation"
FORMULA = '=HYPERLINK("http://x.example","hi")'


@pytest.fixture
def bot() -> Bot:
    return BotFactory(slug="shop", name="Shop")


@pytest.fixture
def busy(bot: Bot) -> Bot:
    """A bot with something in every part of the page."""
    deployment = DeploymentFactory(bot=bot, version=1, artifact="shop-v1-int4")
    answer = approve(bot, "How long?", text="Three days.")
    made = conversation(bot, at=days_ago(2), rating=4, handoff_reason="asked")
    thumb(asked(made, "Why so?", deployment=deployment, timings={"answer": 1.5}), "up")
    asked(made, "How long?", source="curated", curated_answer=answer)
    unanswered(made, FORMULA)
    agent = User.objects.create(username="zoe")
    taken = {"agent": agent, "taken_at": days_ago(1), "waiting_since": days_ago(1)}
    asked(conversation(bot, at=days_ago(1), **taken))
    return bot


def enter(client: Client, user: User) -> Client:
    client.force_login(user)
    session = client.session
    session["confirmed_at"] = timezone.now().timestamp()
    session.save()
    return client


# Who may


def test_strangers_and_staff_without_the_right_see_nothing(client: Client, busy: Bot) -> None:
    assert client.get(PAGE).status_code == 302
    assert client.get(EXPORT).status_code == 302
    enter(client, person("ann", READ, bots=(busy,)))
    assert client.get(PAGE).status_code == 403
    assert client.get(EXPORT).status_code == 403
    enter(client, person("ben", LOOK, bots=(busy,)))
    assert client.get(PAGE).status_code == 200
    assert client.get(EXPORT).status_code == 403
    assert not AuditEntry.objects.filter(action="export.made").exists()


def test_only_figures_of_ones_own_bots_are_shown(client: Client, busy: Bot) -> None:
    other = BotFactory(name="Other shop")
    asked(conversation(other, at=days_ago(1)), "Secret?")
    enter(client, person("ann", LOOK, READ, TAKE, bots=(busy,)))

    page = client.get(PAGE)

    assert page.context["seen"].totals.conversations == 2
    assert "Other shop" not in page.text
    assert "Secret?" not in page.text
    assert "Secret?" not in client.get(EXPORT).text


def test_another_bot_and_none_are_the_same(client: Client, busy: Bot) -> None:
    other = BotFactory()
    enter(client, person("ann", LOOK, TAKE, bots=(busy,)))

    foreign, missing = (client.get(PAGE, {"bot": pk}) for pk in (other.pk, 99_999))

    assert foreign.context["form"].errors == missing.context["form"].errors != {}
    assert "seen" not in foreign.context
    assert client.get(EXPORT, {"bot": other.pk}).status_code == 302
    assert not AuditEntry.objects.filter(action="export.made").exists()


def test_who_works_on_no_bot_is_told_so(client: Client, busy: Bot) -> None:
    enter(client, person("ann", LOOK, TAKE))

    assert "You work on no bot yet" in client.get(PAGE).text
    assert client.get(EXPORT).status_code == 302


def test_what_customers_wrote_is_for_those_who_may_read_it(client: Client, busy: Bot) -> None:
    enter(client, person("ann", LOOK, TAKE, bots=(busy,)))

    assert "HYPERLINK" not in client.get(PAGE).text
    assert "HYPERLINK" not in client.get(EXPORT).text
    enter(client, person("ben", LOOK, TAKE, READ, bots=(busy,)))
    assert "HYPERLINK" in client.get(PAGE).text
    assert "HYPERLINK" in client.get(EXPORT).text


# What is shown


@pytest.mark.parametrize("days", ["1", "7", "30", "90"])
def test_every_part_is_there_and_speaks_chinese(admin_client: Client, busy: Bot, days: str) -> None:
    english = admin_client.get(PAGE, {"days": days}, HTTP_ACCEPT_LANGUAGE="en").text
    chinese = admin_client.get(PAGE, {"days": days}, HTTP_ACCEPT_LANGUAGE="zh-hans").text

    assert ("Resolved without a person" in english) == (days != "1")
    assert ("无需人工解决" in chinese) == (days != "1")
    for text in ("Models side by side", "Where answers came from", "Why a person was wanted"):
        assert (text in english) == (days != "1")
        assert text not in chinese
    if days != "1":
        assert "&lt;" not in english.split("Without a good answer")[0].split("<h2>")[-1]
        assert "shop-v1-int4" in english


def test_an_empty_period_says_what_to_do(admin_client: Client, bot: Bot) -> None:
    page = admin_client.get(PAGE)

    assert "No conversations in this period" in page.text
    assert EXPORT not in page.text


def test_questions_without_an_answer_lead_to_the_form_that_writes_one(
    admin_client: Client, busy: Bot
) -> None:
    page = admin_client.get(PAGE).text

    form = reverse("admin:chat_curatedanswer_add")
    assert f'href="{form}?bot={busy.pk}&amp;questions=%3DHYPERLINK' in page


@pytest.mark.parametrize(
    ("first", "last", "fault"),
    [
        ("", "2026-01-02", "Choose both days."),
        ("2026-01-02", "2026-01-01", "The last day comes before the first."),
        ("2024-01-02", "2026-01-01", "Choose a year at most."),
        ("yesterday", "2026-01-01", "Enter a valid date."),
    ],
)
def test_days_that_are_no_period_are_explained(
    admin_client: Client, busy: Bot, first: str, last: str, fault: str
) -> None:
    page = admin_client.get(PAGE, {"days": "custom", "first": first, "last": last})

    assert fault in page.text
    assert "seen" not in page.context


def test_chosen_days_are_kept_for_the_export(admin_client: Client, busy: Bot) -> None:
    today = timezone.localdate()
    chosen = {"days": "custom", "first": str(today - timedelta(days=1)), "last": str(today)}

    page = admin_client.get(PAGE, chosen)

    assert page.context["seen"].totals.conversations == 1
    assert f"{EXPORT}?days=custom&amp;first={chosen['first']}" in page.text.replace(
        "&amp;amp;", "&"
    )


@pytest.mark.parametrize("count", [1, 3])
def test_queries_of_the_page_do_not_grow_with_bots(
    admin_client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        made = conversation(BotFactory(), at=days_ago(1))
        asked(made, f"Question {number}?", deployment=DeploymentFactory(bot=made.bot))
        unanswered(made, f"Another {number}?")

    with django_assert_max_num_queries(30):
        assert admin_client.get(PAGE).status_code == 200


# What is taken out


def test_no_cell_of_an_export_is_run(admin_client: Client, busy: Bot) -> None:
    text = enter_again(admin_client).get(EXPORT, {"format": "csv"}).content.decode()

    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert any(cell == f"'{FORMULA}" for row in rows for cell in row)
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)

    page = admin_client.get(EXPORT, {"format": "xlsx"})
    book = openpyxl.load_workbook(io.BytesIO(page.content))
    assert "Without an answer" in book.sheetnames
    kinds = {cell.data_type for sheet in book for row in sheet for cell in row}
    assert "f" not in kinds


def test_an_export_says_the_same_as_the_page_and_is_written_down(
    admin_client: Client, busy: Bot
) -> None:
    chosen = {"days": "7", "bot": str(busy.pk), "format": "csv"}
    answer = enter_again(admin_client).get(EXPORT, chosen)

    assert "conversations,2,0" in answer.text
    today = timezone.localdate()
    assert f"analytics-{today - timedelta(days=6)}-{today}.csv" in answer["Content-Disposition"]
    entry = AuditEntry.objects.get(action="export.made")
    assert (entry.bot, entry.target) == ("shop", f"analytics:{today - timedelta(days=6)}..{today}")
    assert '"format":"csv"' in entry.facts


def enter_again(client: Client) -> Client:
    """Exports ask again who somebody is, unless they did lately."""
    session = client.session
    session["confirmed_at"] = timezone.now().timestamp()
    session.save()
    return client


def test_an_export_asks_again_who_somebody_is(client: Client, busy: Bot) -> None:
    client.force_login(person("ann", LOOK, TAKE, bots=(busy,)))
    session = client.session
    session["confirmed_at"] = 0
    session.save()

    assert client.get(EXPORT)["Location"].startswith(reverse("admin:confirm"))
    assert not AuditEntry.objects.filter(action="export.made").exists()

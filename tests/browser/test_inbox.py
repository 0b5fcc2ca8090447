"""A customer and an agent at once, in two browsers: from the bot to the agent and back."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.customer import Customer
from tests.browser.test_person import call
from tests.services import Services

pytestmark = pytest.mark.browser
STAFF = """
from django.contrib.auth.models import Group, Permission, User
from chat.models import CannedReply
user = User.objects.create_user(
    "ines", password="a-long-password", is_staff=True, first_name="Ines", last_name="Moreau"
)
user.groups.set(Group.objects.filter(name="Agent"))
user.user_permissions.set(Permission.objects.filter(codename="work_on_all_bots"))
CannedReply.objects.create(shortcut="hello", text="Hello, I am here to help.")
"""
CLEAR = """
from chat.models import Conversation
Conversation.objects.exclude(status="closed").update(status="closed")
"""

LEFT = """
from chat.selectors import demo_bot
from chat.services import conversations, left_messages
from chat.services.visitors import register_visitor, start_conversation
visitor, _ = register_visitor(demo_bot())
conversation = start_conversation(visitor, locale="en")
left_messages.leave(conversation, name="Sam", contact="sam@shop.example", text="Please write to me.")
conversations.request_person(conversation)
"""
LONG_AGO = """
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
for each in Session.objects.all():
    session = SessionStore(each.session_key)
    session["confirmed_at"] = 0
    session.save()
"""


@pytest.fixture(scope="module")
def staffed(csbot: Services) -> Services:
    csbot.manage("shell", "--verbosity", "0", "-c", STAFF)
    return csbot


@pytest.fixture
def desk(browser: Browser, staffed: Services) -> Iterator[Page]:
    """An agent's browser with an empty inbox. Whatever a script throws fails the test."""
    staffed.manage("shell", "--verbosity", "0", "-c", CLEAR)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(15_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{staffed.url}/admin/login/")
    page.fill("#id_username", "ines")
    page.fill("#id_password", "a-long-password")
    page.click("button[type=submit]")
    page.goto(f"{staffed.url}/admin/chat/conversation/inbox/")
    expect(page.locator("#ib-people")).not_to_be_empty()
    yield page
    context.close()
    assert errors == []


def write(desk: Page, text: str) -> None:
    desk.locator("#ib-text").fill(text)
    desk.locator("#ib-text").press("Control+Enter")


def test_from_the_bot_to_an_agent_and_back(desk: Page, customer: Customer) -> None:
    expect(desk.locator("#ib-empty")).to_have_text("Nobody waits for a person.")
    customer.open().ask("Where is my parcel?")
    expect(customer.replies.last).to_contain_text("parcel")
    call(customer)

    row = desk.locator(".ib-row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("parcel")
    desk.keyboard.press("j")
    expect(desk.locator("#ib-messages")).to_contain_text("Where is my parcel?")
    desk.keyboard.press("t")
    expect(desk.locator("#ib-state")).to_have_text("with you")
    expect(customer.panel.locator("#desk p")).to_contain_text("Ines Moreau")

    desk.locator("#ib-text").fill("/he")
    desk.locator("#ib-text").press("Enter")
    expect(desk.locator("#ib-text")).to_have_value("Hello, I am here to help.")
    desk.locator("#ib-text").press("Control+Enter")
    expect(customer.panel.get_by_text("Hello, I am here to help.", exact=True)).to_be_visible()
    expect(desk.locator("#ib-text")).to_have_value("")

    customer.ask("<b>It was sent on Monday.</b>")
    expect(desk.locator("#ib-messages")).to_contain_text("<b>It was sent on Monday.</b>")
    before = desk.locator(".ib-message[data-role=assistant]").count()
    write(desk, "It arrives tomorrow.")
    expect(customer.panel.get_by_text("It arrives tomorrow.", exact=True)).to_be_visible()
    assert desk.locator(".ib-message[data-role=assistant]").count() == before

    desk.locator("#ib-hand-back").click()
    expect(desk.locator("#ib-state")).to_have_text("with the bot")
    customer.ask("Thank you, bot?")
    expect(customer.replies.last).to_contain_text("bot")


def test_both_see_that_the_other_writes(desk: Page, customer: Customer) -> None:
    customer.open().ask("Where is my parcel?")
    call(customer)
    desk.locator(".ib-row button").click()
    desk.locator("#ib-take").click()
    expect(customer.panel.locator("#desk p")).to_contain_text("Ines Moreau")
    expect(desk.locator("#ib-state")).to_have_text("with you")

    desk.locator("#ib-text").press_sequentially("Let me see", delay=30)
    expect(customer.panel.locator("#typing")).to_be_visible()
    customer.panel.get_by_role("textbox").press_sequentially("Hello", delay=30)
    expect(desk.locator("#ib-typing")).to_be_visible()


def test_a_lost_line_loses_nothing(desk: Page, customer: Customer, staffed: Services) -> None:
    customer.open().ask("Where is my parcel?")
    call(customer)
    desk.locator(".ib-row button").click()
    desk.locator("#ib-take").click()
    expect(desk.locator("#ib-state")).to_have_text("with you")

    staffed.stop("web")
    expect(desk.locator("#ib-banner")).to_have_text("Connection lost, trying again ...")
    write(desk, "Are you still there?")
    expect(desk.locator("#ib-problem")).to_be_visible()
    staffed.start("web")
    expect(desk.locator("#ib-banner")).to_be_hidden(timeout=40_000)
    expect(desk.locator("#ib-text")).to_have_value("Are you still there?")
    desk.locator("#ib-text").press("Control+Enter")
    expect(desk.locator(".ib-message[data-role=agent] .ib-said")).to_have_text(
        ["Are you still there?"]
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible(desk: Page, customer: Customer, theme: str) -> None:
    desk.evaluate("theme => localStorage.setItem('adminTheme', JSON.stringify(theme))", theme)
    desk.reload()
    customer.open().ask("Where is my parcel?")
    call(customer)
    desk.locator(".ib-row button").click()
    desk.locator("#ib-take").click()
    write(desk, "Let me look.")
    expect(desk.locator(".ib-message[data-role=agent]")).to_have_count(1)
    found = Axe().run(desk, context="#inbox").response["violations"]
    assert [f"{e['id']}: {e['nodes'][0]['html']}" for e in found] == []


def test_how_to_reach_somebody_is_shown_after_a_confirmation_and_nothing_typed_is_lost(
    desk: Page, staffed: Services
) -> None:
    staffed.manage("shell", "--verbosity", "0", "-c", LEFT)
    staffed.manage("shell", "--verbosity", "0", "-c", LONG_AGO)
    expect(desk.locator(".ib-row")).to_have_count(1)
    desk.keyboard.press("j")
    expect(desk.locator("#ib-state")).to_have_text("waits for a person")
    desk.keyboard.press("t")
    expect(desk.locator("#ib-state")).to_have_text("with you")
    desk.locator("#ib-text").fill("Dear Sam,")
    show = desk.get_by_role("button", name="Show how to reach them")
    show.click()
    link = desk.get_by_role("link", name="Confirm")
    expect(link).to_be_focused()
    with desk.context.expect_page() as opened:
        link.click()
    confirm = opened.value
    confirm.fill("input[name=password]", "a-long-password")
    confirm.get_by_role("button", name="Confirm").click()
    expect(confirm.locator("#inbox")).to_be_visible()
    confirm.close()

    show.click()

    expect(desk.locator("#ib-left")).to_contain_text("sam@shop.example")
    expect(link).to_be_hidden()
    expect(desk.locator("#ib-text")).to_have_value("Dear Sam,")


def test_what_cannot_be_proposed_says_why(desk: Page, staffed: Services) -> None:
    staffed.manage("shell", "--verbosity", "0", "-c", LEFT)
    expect(desk.locator(".ib-row")).to_have_count(1)
    desk.keyboard.press("j")
    desk.get_by_role("button", name="Propose for review").click()
    expect(desk.locator("#ib-toast")).to_contain_text("Nobody has answered a question")

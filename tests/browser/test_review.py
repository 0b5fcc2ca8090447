"""A curator decides one proposal after the other by keyboard, and never waits for a page."""

import statistics
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.services import Services

pytestmark = pytest.mark.browser

ITEMS = 20
MORE = 4
"""For the other tests of this file."""
ARRANGE = f"""
from django.contrib.auth.models import User
from chat.selectors import demo_bot
from tests.factories import ConversationFactory, DatasetFactory, MessageFactory, VisitorFactory
from training.models import ReviewItem
User.objects.create_superuser("root", password="a-long-password")
bot = demo_bot()
DatasetFactory(bot=bot)
for number in range({ITEMS + MORE}):
    conversation = ConversationFactory(visitor=VisitorFactory(bot=bot))
    message = MessageFactory(conversation=conversation)
    ReviewItem.objects.create(
        bot=bot, conversation=conversation, message=message, reason="liked", locale="en",
        turns=[{{"role": "user", "content": f"Question {{number:02}}?"}}],
        answer=f"Answer {{number:02}}.", original={{"answer": f"Answer {{number:02}}.", "turns": []}},
        cluster=str(number), value=100 - number, failed="No." if number == 1 else "",
    )
"""


@pytest.fixture(scope="module")
def reviewed() -> Iterator[Services]:
    with Services(CSBOT_SECOND_FACTOR="optional") as csbot:
        csbot.seed()
        csbot.manage("shell", "--verbosity", "0", "-c", ARRANGE)
        csbot.start("web")
        yield csbot


@pytest.fixture
def queue(reviewed: Services, context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto(f"{reviewed.url}/admin/login/?next=/admin/training/reviewitem/queue/")
    page.fill("input[name=username]", "root")
    page.fill("input[name=password]", "a-long-password")
    page.click("button[type=submit]")
    expect(page.locator("#rv-question")).to_be_visible()
    return page


def question(page: Page) -> str:
    return page.locator("#rv-question").inner_text()


def test_twenty_are_decided_by_keyboard_without_a_page_between(queue: Page) -> None:
    loads: list[Page] = []

    def loaded(page: Page) -> None:
        loads.append(page)

    queue.on("load", loaded)
    milliseconds = []
    assert question(queue) == "Question 00?"
    queue.keyboard.press("a")
    for number in range(1, ITEMS):
        expected = f"Question {number:02}?"
        expect(queue.locator("#rv-question")).to_have_text(expected)
        if number == 1:
            expect(queue.locator("[data-part=failed]")).to_have_text("No.")
            queue.keyboard.press("e")
            queue.keyboard.press("End")
            queue.keyboard.type(" Indeed.")
            expect(queue.locator("[data-part=diff] ins")).to_have_text(" Indeed.")
            queue.keyboard.press("Escape")
            queue.keyboard.press("a")
            expect(queue.locator("#rv-said")).to_contain_text("Somebody else approves it")
        elif number == 2:
            queue.keyboard.press("r")
            queue.keyboard.press("3")
            expect(queue.locator("#rv-said")).to_have_text("Rejected.")
            queue.keyboard.press("u")
            expect(queue.locator("#rv-question")).to_have_text(expected)
            queue.keyboard.press("a")
        else:
            milliseconds.append(_timed(queue, "sa"[number % 2]))
        expect(queue.locator("#rv-said")).not_to_be_empty()
    expect(queue.locator("#rv-question")).to_have_text(f"Question {ITEMS:02}?")
    assert not loads
    # Far above what a person notices; the figure is in benchmarks/console.
    assert statistics.median(milliseconds) < 1000


def _timed(page: Page, key: str) -> float:
    """Milliseconds from the key to another question, or to none."""
    took: float = page.evaluate(
        """async (key) => {
        const shown = document.querySelector("#rv-question")?.textContent;
        const began = performance.now();
        document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        const item = document.querySelector("#rv-item");
        while (!item.hidden && document.querySelector("#rv-question").textContent === shown
            && performance.now() - began < 5000) {
            await new Promise(requestAnimationFrame);
        }
        return performance.now() - began;
        }""",
        key,
    )
    return took


def test_nothing_is_lost_while_the_line_is_down(queue: Page, context: BrowserContext) -> None:
    said = queue.locator("[data-part=today]")
    before = int((said.text_content() or "0").split()[0])
    first = question(queue)
    context.set_offline(True)
    queue.keyboard.press("s")
    expect(queue.locator("#rv-question")).not_to_have_text(first)
    second = question(queue)
    queue.keyboard.press("a")
    expect(queue.locator("#rv-line")).to_contain_text("is kept here")
    # What has not left is taken back at once, and decided anew.
    queue.keyboard.press("u")
    expect(queue.locator("#rv-question")).to_have_text(second)
    queue.keyboard.press("e")
    queue.keyboard.type(" Indeed.")
    queue.keyboard.press("Control+Enter")
    context.set_offline(False)
    expect(queue.locator("#rv-line")).to_be_hidden()
    expect(said).to_have_text(f"{before + 2} today")


def test_what_was_written_is_there_after_a_reload(queue: Page) -> None:
    asked = question(queue)
    queue.keyboard.press("t")
    queue.keyboard.type(" Please")
    queue.keyboard.press("Escape")
    expect(queue.locator("#rv-question ins")).to_have_text(" Please")
    queue.reload()
    expect(queue.locator("#rv-question ins")).to_have_text(" Please")
    queue.locator("#rv-reset").click()
    expect(queue.locator("#rv-question")).to_have_text(asked)


def test_who_listens_hears_what_happened_and_what_comes(queue: Page) -> None:
    before = question(queue)
    queue.keyboard.press("s")
    expect(queue.locator("#rv-question")).not_to_have_text(before)
    expect(queue.locator("#rv-announcer")).to_have_text(f"Passed over. Next: {question(queue)}")
    assert queue.evaluate("document.activeElement.id") == "rv-item"


def test_the_page_is_accessible(queue: Page) -> None:
    queue.locator("#rv-keys").click()
    queue.keyboard.press("Escape")
    found = Axe().run(queue, context="#review")
    serious = [
        each for each in found.response["violations"] if each["impact"] in ("serious", "critical")
    ]
    assert not serious

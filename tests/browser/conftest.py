"""csbot's real processes with the echo engine, and a real Chromium in front of them.

The fixtures live as long as this package: Playwright's loop must not run beside other tests.
"""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.customer import Customer
from tests.services import Services

UNLIMITED = "100000/minute"
WORD_SECONDS = "0.06"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
BOT = """
from chat.models import Bot, Deployment
bot = Bot.objects.create(slug="second", name="Second", theme_color="#8a2be2")
Deployment.objects.create(bot=bot, version=1, is_active=True)
print(bot.public_id)
"""


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("NO CHROMIUM HERE: the widget is not tested. Install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def csbot() -> Iterator[Services]:
    limits = {
        f"CHAT_RATE_{name}": UNLIMITED
        for name in (
            "MESSAGES_PER_VISITOR",
            "MESSAGES_PER_ADDRESS",
            "VISITORS_PER_ADDRESS",
            "SOCKETS_PER_ADDRESS",
        )
    }
    engines = {
        "CHAT_ENGINE": "echo",
        "CHAT_ECHO_DELAY_SECONDS": WORD_SECONDS,
    }
    with Services(**engines, **limits) as csbot:
        csbot.seed()
        csbot.start("web", "runner")
        yield csbot


@pytest.fixture(scope="package")
def second_bot(csbot: Services) -> str:
    return csbot.manage("shell", "--verbosity", "0", "-c", BOT).strip().splitlines()[-1]


@pytest.fixture(scope="package")
def bot(csbot: Services) -> str:
    """The public id of the demo bot."""
    question = "from chat.selectors import demo_bot; print(demo_bot().public_id)"
    return csbot.manage("shell", "--verbosity", "0", "-c", question).strip().splitlines()[-1]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def customer(page: Page, csbot: Services) -> Customer:
    """Somebody on the demo shop who has not opened the chat yet."""
    return Customer(page, csbot.url)

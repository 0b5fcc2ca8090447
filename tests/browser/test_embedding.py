"""The loader on pages of other people: strict policies, two bots, phones, the JavaScript API."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.customer import Customer
from tests.services import Services, wait_until

pytestmark = pytest.mark.browser


class Site:
    """A shop on an origin of its own, with a policy as strict as the documentation allows."""

    def __init__(self, csbot_url: str) -> None:
        self.body = ""
        self.policy = (
            f"default-src 'none'; script-src {csbot_url}; frame-src {csbot_url}; "
            "style-src 'none'; require-trusted-types-for 'script'"
        )
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = f"<!doctype html><html lang=en><title>Shop</title><body>{site.body}</body>"
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", site.policy)
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site(csbot: Services) -> Iterator[Site]:
    site = Site(csbot.url)
    yield site
    site.server.shutdown()
    site.server.server_close()


def snippet(csbot: Services, bot: str, more: str = "") -> str:
    return (
        f'<script async src="{csbot.url}/static/widget/loader.js" data-bot="{bot}" {more}></script>'
    )


def allow(csbot: Services, site: Site) -> None:
    csbot.manage(
        "shell",
        "-c",
        f"from chat.models import Bot; Bot.objects.update(allowed_sites=['{site.url}'])",
    )


def test_works_on_a_foreign_site_with_a_strict_policy(
    page: Page, csbot: Services, bot: str, site: Site
) -> None:
    allow(csbot, site)
    site.body = snippet(csbot, bot)
    refusals: list[str] = []
    page.on("console", lambda line: refusals.append(line.text) if line.type == "error" else None)
    customer = Customer(page, site.url, "").open()
    customer.ask_and_wait("across origins")
    assert refusals == []


def test_site_that_is_not_allowed_sees_no_panel(
    page: Page, csbot: Services, bot: str, site: Site
) -> None:
    site.body = snippet(csbot, bot)
    customer = Customer(page, site.url, "")
    customer.launcher.click()
    expect(page.locator("[id^=csbot-] p")).to_have_text("The chat cannot be reached right now.")


def test_two_bots_stand_side_by_side(
    page: Page, csbot: Services, bot: str, second_bot: str, site: Site
) -> None:
    allow(csbot, site)
    site.body = snippet(csbot, bot) + snippet(csbot, second_bot, 'data-color="#8a2be2"')
    customer = Customer(page, site.url, "")
    expect(customer.launcher).to_have_count(2)
    boxes = [customer.launcher.nth(n).bounding_box() for n in range(2)]
    assert boxes[0]
    assert boxes[1]
    assert abs(boxes[0]["x"] - boxes[1]["x"]) >= 60
    page.locator(f"#csbot-{second_bot} > button").click()
    frame = page.frame_locator(f"#csbot-{second_bot} iframe")
    expect(frame.locator("h1")).to_have_text("Second")
    page.locator(f"#csbot-{bot} > button").click()
    expect(page.locator(f"#csbot-{second_bot} iframe")).to_be_hidden()


def test_same_snippet_twice_is_one_widget(
    page: Page, csbot: Services, bot: str, site: Site
) -> None:
    site.body = snippet(csbot, bot) * 2
    customer = Customer(page, site.url, "")
    expect(customer.launcher).to_have_count(1)
    page.wait_for_timeout(300)
    assert customer.launcher.count() == 1


def test_api_opens_closes_and_tells(customer: Customer, bot: str) -> None:
    page = customer.page
    expect(customer.launcher).to_be_visible()
    page.evaluate(
        """bot => {
            window.heard = [];
            const widget = csbot.get(bot);
            for (const name of ["ready", "open", "close", "message", "unread", "error"])
                widget.on(name, detail => heard.push(name));
            window.off = csbot.on("open", () => heard.push("second open"));
            csbot.open();
        }""",
        bot,
    )
    customer.ask_and_wait("hello")
    page.evaluate("off(); csbot.close(); csbot.toggle(); csbot.setLocale('zh-CN')")
    expect(customer.panel.locator("#send")).to_have_attribute("aria-label", "发送")
    expect(customer.launcher).to_have_attribute("aria-label", "关闭聊天")
    page.evaluate("csbot.setTheme('dark')")
    expect(customer.panel.locator("html")).to_have_attribute("data-theme", "dark")
    heard = page.evaluate("heard")
    assert {"ready", "open", "close", "message", "unread"} <= set(heard)
    assert heard.count("open") == 2
    assert heard.count("second open") == 1
    assert "error" not in heard


CONVERSIONS = """
from chat.models import Conversion
for each in Conversion.objects.order_by("pk"): print("told", each.name, each.value)
"""


def test_site_tells_what_a_visitor_did(page: Page, csbot: Services, bot: str, site: Site) -> None:
    """Before the panel is there, twice under one key, and something that is no event."""

    def told() -> list[str]:
        lines = csbot.manage("shell", "--verbosity", "0", "-c", CONVERSIONS).splitlines()
        return [line for line in lines if line.startswith("told")]

    allow(csbot, site)
    site.body = snippet(csbot, bot)
    customer = Customer(page, site.url, "").open()
    customer.ask_and_wait("is the lamp in stock?")
    page.reload()
    expect(customer.launcher).to_be_visible()
    with page.expect_response("**/api/v1/events") as first:
        page.evaluate("csbot.event('purchase', { id: 'order-1', value: 59.9 })")
    with page.expect_response("**/api/v1/events") as second:
        page.evaluate("csbot.event('purchase', { id: 'order-1', value: 59.9 })")
    assert (first.value.status, second.value.status) == (201, 200)
    assert told() == ["told purchase 59.90"]
    code = page.evaluate(
        """() => new Promise(heard => {
            csbot.on("error", ({ code }) => heard(code));
            csbot.event("<b>purchase</b>");
        })"""
    )
    assert code == "invalid"


def test_unread_answers_are_counted_on_the_launcher(customer: Customer) -> None:
    customer.open().ask(" ".join(["word"] * 20))
    expect(customer.replies).to_have_count(1)
    customer.launcher.click()
    expect(customer.launcher).to_have_attribute("aria-label", "Open chat, 1 unread")
    customer.open()
    expect(customer.launcher).to_have_attribute("aria-label", "Close chat")
    customer.launcher.click()
    expect(customer.launcher).to_have_attribute("aria-label", "Open chat")


def test_open_state_is_kept_in_the_tab(customer: Customer) -> None:
    customer.open()
    customer.page.reload()
    expect(customer.composer).to_be_visible()
    assert customer.launcher.get_attribute("aria-expanded") == "true"


def test_phone_is_full_screen_and_raises_no_keyboard(browser: Browser, csbot: Services) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    customer = Customer(context.new_page(), csbot.url).open()

    def fills_the_screen() -> bool:
        box = customer.page.locator("iframe").bounding_box()
        if box is None:
            return False
        corner, size = (box["x"], box["y"]), (box["width"], box["height"])
        return [round(side) for side in corner + size] == [0, 0, 390, 844]

    wait_until(fills_the_screen, "the panel has slid in")
    assert customer.page.evaluate("document.documentElement.style.overflow") == "hidden"
    assert customer.page.evaluate("document.querySelector('main').inert") is True
    assert customer.composer.evaluate("element => element !== document.activeElement")
    customer.panel.locator("#close").click()
    expect(customer.launcher).to_be_focused()
    assert customer.page.evaluate("document.documentElement.style.overflow") == ""
    context.close()


def test_narrow_panel_does_not_scroll_sideways(browser: Browser, csbot: Services) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 480})
    customer = Customer(context.new_page(), csbot.url).open()
    customer.ask_and_wait("x" * 300)
    root = customer.panel.locator("html")
    assert root.evaluate("html => html.scrollWidth <= html.clientWidth")
    context.close()


def test_panel_stands_alone_as_a_page(page: Page, csbot: Services, bot: str) -> None:
    page.goto(f"{csbot.url}/widget/{bot}/?locale=zh-hans")
    expect(page.locator("#close")).to_be_hidden()
    page.locator("#text").fill("你好 吗")
    page.locator("#text").press("Enter")
    expect(page.locator("[data-role=assistant][data-status=sent]")).to_have_count(1)

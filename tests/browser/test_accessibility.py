"""axe finds nothing serious: the page with the launcher, and the panel in its states."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.customer import Customer
from tests.services import Services

pytestmark = pytest.mark.browser


def grave(page: Page) -> list[str]:
    """Serious and critical findings, one line each."""
    violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for each in violations
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_demo_page_with_launcher(page: Page, csbot: Services, theme: str, lang: str) -> None:
    customer = Customer(page, csbot.url, f"?lang={lang}&theme={theme}")
    expect(customer.launcher).to_be_visible()
    assert grave(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_panel(page: Page, csbot: Services, bot: str, theme: str, lang: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{csbot.url}/widget/{bot}/?locale={lang}&theme={theme}")
    expect(page.locator("#text")).to_be_visible()
    assert grave(page) == []
    page.locator("#text").fill("**bold** `code` https://example.com/ and\n\n- a list")
    page.locator("#text").press("Enter")
    answer = page.locator("[data-role=assistant][data-status=sent]")
    expect(answer).to_have_count(1)
    answer.locator("[data-do=down]").click()
    assert grave(page) == []
    page.locator("#person").click()
    expect(page.locator("[data-role=notice]")).to_be_visible()
    page.locator("#menu-button").click()
    assert grave(page) == []
    page.locator("#menu [data-do=forget]").click()
    assert grave(page) == []

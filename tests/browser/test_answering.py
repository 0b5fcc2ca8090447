"""A question, an answer that grows, and everything that may interrupt it."""

import time

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.customer import Customer
from tests.services import Services

pytestmark = pytest.mark.browser

LONG = " ".join(f"word{n}" for n in range(40))


def test_answer_grows_before_the_eyes(customer: Customer) -> None:
    customer.open().ask(LONG)
    lengths: set[int] = set()
    deadline = time.monotonic() + 20
    while not customer.answers.count() and time.monotonic() < deadline:
        if customer.replies.locator(".text:visible").count():
            lengths.add(len(customer.replies.locator(".text").inner_text()))
    assert len(lengths - {0, len(LONG)}) >= 3
    assert customer.said(customer.answers.first) == LONG
    assert customer.errors == []


def test_dots_appear_at_once(customer: Customer) -> None:
    customer.open().composer.fill("hello there")
    delay = customer.panel.locator("#panel").evaluate(
        """panel => new Promise(done => {
            const start = performance.now();
            new MutationObserver((_, observer) => {
                const dots = panel.querySelector('[data-role=assistant] .dots');
                if (!dots || dots.hidden) return;
                observer.disconnect();
                done(performance.now() - start);
            }).observe(panel, { subtree: true, childList: true, attributes: true });
            panel.querySelector('#composer').requestSubmit();
        })"""
    )
    assert delay < 200


def test_reload_shows_the_rest(customer: Customer) -> None:
    customer.open().ask(LONG)
    expect(customer.replies.locator(".text")).to_contain_text("word5")
    customer.page.reload()
    expect(customer.composer).to_be_visible()
    expect(customer.answers).to_have_count(1)
    assert customer.said(customer.answers.first) == LONG
    assert customer.questions.count() == 1


def test_history_is_not_replayed(customer: Customer) -> None:
    customer.open().ask_and_wait("short question")
    customer.page.reload()
    expect(customer.answers).to_have_count(1)
    assert customer.panel.locator(".message.enters").count() == 0


def test_two_tabs_stay_in_step(
    customer: Customer, context: BrowserContext, csbot: Services
) -> None:
    customer.open().ask_and_wait("first")
    other = Customer(context.new_page(), csbot.url).open()
    expect(other.answers).to_have_count(1)
    other.ask(LONG)
    expect(customer.replies.nth(1).locator(".text")).to_contain_text("word3")
    for tab in (customer, other):
        expect(tab.answers).to_have_count(2)
        assert tab.said(tab.answers.nth(1)) == LONG


def test_second_tab_joins_a_conversation_begun_in_the_first(
    customer: Customer, context: BrowserContext, csbot: Services
) -> None:
    other = Customer(context.new_page(), csbot.url).open()
    customer.open().ask_and_wait("begun here")
    expect(other.answers).to_have_count(1)
    other.ask_and_wait("gone on there")
    expect(customer.answers).to_have_count(2)


def test_stop_keeps_what_was_said(customer: Customer) -> None:
    customer.open().ask(LONG)
    expect(customer.replies.locator(".text")).to_contain_text("word3")
    customer.panel.locator("#stop").click()
    stopped = customer.panel.locator("[data-role=assistant][data-status=cancelled]")
    expect(stopped).to_contain_text("Stopped")
    expect(customer.panel.locator("#stop")).to_be_hidden()
    assert "word3" in customer.said(stopped)
    assert "word39" not in customer.said(stopped)
    assert customer.composer.evaluate("element => element === document.activeElement")


def test_stopped_answer_can_be_tried_again(customer: Customer) -> None:
    customer.open().ask(LONG)
    expect(customer.replies.locator(".text")).to_contain_text("word1")
    customer.panel.locator("#stop").click()
    customer.panel.get_by_role("button", name="Try again").click()
    expect(customer.answers).to_have_count(1)
    assert customer.said(customer.answers.first) == LONG


def test_offline_and_back(customer: Customer, context: BrowserContext) -> None:
    customer.open().ask_and_wait("before")
    context.set_offline(True)
    banner = customer.panel.locator("#connection")
    expect(banner).to_contain_text("You are offline")
    customer.ask("written without a connection")
    expect(customer.questions.nth(1)).to_contain_text("Will be sent when you are connected again")
    context.set_offline(False)
    expect(customer.answers).to_have_count(2)
    expect(banner).to_be_hidden()
    assert customer.questions.count() == 2


def test_unsent_message_survives_a_reload(customer: Customer, context: BrowserContext) -> None:
    customer.open().ask_and_wait("before")
    customer.page.route("**/ticket", lambda route: route.abort())
    context.set_offline(True)
    customer.ask("kept")
    expect(customer.questions).to_have_count(2)
    context.set_offline(False)
    customer.page.unroute("**/ticket")
    customer.page.reload()
    expect(customer.answers).to_have_count(2)
    assert customer.questions.count() == 2


def test_web_server_restart_is_survived(customer: Customer, csbot: Services) -> None:
    customer.open().ask_and_wait("before")
    csbot.stop("web")
    expect(customer.panel.locator("#connection")).to_contain_text("Reconnecting")
    csbot.start("web")
    # It may be back by itself before a pointer arrives.
    customer.panel.locator("#connection button").dispatch_event("click")
    expect(customer.panel.locator("#connection")).to_be_hidden(timeout=40_000)
    customer.ask_and_wait("after")


def test_failed_answer_is_a_sentence_with_a_way_out(customer: Customer) -> None:
    customer.open().ask("a " * 1990)
    failed = customer.panel.locator("[data-role=assistant][data-status=failed]")
    expect(failed).to_contain_text("too long for me")
    failed.get_by_role("button", name="Talk to a person").click()
    expect(customer.panel.locator("[data-role=notice]")).to_contain_text("asked a person")
    expect(customer.panel.locator("#presence")).to_have_text("A person has been asked")


def test_waiting_indicator_is_tied_to_the_reply(customer: Customer, csbot: Services) -> None:
    csbot.stop("runner")
    try:
        customer.open().ask("nobody is there")
        expect(customer.replies.locator(".dots")).to_be_visible()
        customer.panel.locator("#stop").click()
        expect(customer.replies.locator(".dots")).to_be_hidden()
    finally:
        csbot.start("runner")

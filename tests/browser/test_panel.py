"""Writing, rating, copying, starting anew: with mouse, keyboard and input methods."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.customer import Customer
from tests.services import Services

pytestmark = pytest.mark.browser


def enter_while_composing(customer: Customer, options: str) -> None:
    customer.composer.evaluate(
        f"""text => {{
            text.dispatchEvent(new CompositionEvent("compositionstart"));
            text.value = "你好 nihao";
            text.dispatchEvent(new InputEvent("input"));
            {options}
        }}"""
    )


@pytest.mark.parametrize(
    "enter",
    [
        'text.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", isComposing: true, cancelable: true}))',
        'text.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", cancelable: true}))',
        (
            'text.dispatchEvent(new CompositionEvent("compositionend"));'
            'text.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", keyCode: 229, cancelable: true}))'
        ),
    ],
    ids=["flagged", "unflagged", "after the end, 229"],
)
def test_enter_of_an_input_method_does_not_send(customer: Customer, enter: str) -> None:
    customer.open()
    enter_while_composing(customer, enter)
    customer.page.wait_for_timeout(200)
    assert customer.questions.count() == 0
    customer.composer.evaluate('text => text.dispatchEvent(new CompositionEvent("compositionend"))')
    customer.composer.press("Enter")
    expect(customer.questions).to_have_count(1)


def test_shift_enter_makes_a_line(customer: Customer) -> None:
    customer.open().composer.fill("one")
    customer.composer.press("Shift+Enter")
    customer.composer.press_sequentially("two")
    assert customer.composer.input_value() == "one\ntwo"
    assert customer.questions.count() == 0


def test_counter_speaks_near_the_limit_and_refuses_above(customer: Customer) -> None:
    customer.open().composer.fill("x" * 3_700)
    expect(customer.panel.locator("#counter")).to_have_text("300 characters left")
    expect(customer.panel.locator("#announcer")).to_have_text("300 characters left")
    customer.composer.fill("x" * 4_001)
    expect(customer.panel.locator("#counter")).to_have_text("1 characters too many")
    customer.composer.press("Enter")
    assert customer.questions.count() == 0


def test_draft_survives_a_reload(customer: Customer) -> None:
    customer.open().composer.fill("half a thought")
    customer.page.reload()
    expect(customer.composer).to_have_value("half a thought")


def test_starter_question_is_asked(customer: Customer) -> None:
    customer.open().panel.locator(".starters button").first.click()
    expect(customer.answers).to_have_count(1)
    expect(customer.questions.first.locator(".text")).to_have_text("How long does delivery take?")
    assert "working days" in customer.said(customer.answers.first)
    expect(customer.panel.locator("#welcome")).to_be_hidden()


def test_thumbs_with_reasons_are_kept(customer: Customer) -> None:
    answer = customer.open().ask_and_wait("rate me")
    answer.get_by_role("button", name="Bad answer").click()
    form = customer.panel.locator(".reasons")
    expect(form.get_by_label("It is not correct")).to_be_focused()
    form.get_by_label("Something is missing").check()
    form.get_by_label("Anything else?").fill("no price")
    form.get_by_role("button", name="Send feedback").click()
    expect(customer.panel.locator("#notice")).to_have_text("Thank you. That helps us to improve.")
    down = answer.get_by_role("button", name="Bad answer")
    expect(down).to_have_attribute("aria-pressed", "true")
    expect(down).to_be_focused()
    customer.page.reload()
    expect(down).to_have_attribute("aria-pressed", "true")
    answer.get_by_role("button", name="Good answer").click()
    expect(down).to_have_attribute("aria-pressed", "false")
    expect(answer.get_by_role("button", name="Good answer")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_copy_takes_the_words_without_signs(customer: Customer, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer = customer.open().ask_and_wait("**bold** and `code`")
    answer.get_by_role("button", name="Copy").click()
    expect(customer.panel.locator("#announcer")).to_contain_text("Copied")
    assert customer.page.evaluate("navigator.clipboard.readText()") == "bold and code"


def test_new_conversation_begins_empty(customer: Customer) -> None:
    customer.open().ask_and_wait("old")
    customer.panel.locator("#menu-button").click()
    customer.panel.get_by_role("menuitem", name="New conversation").click()
    expect(customer.panel.locator("#welcome")).to_be_visible()
    expect(customer.questions).to_have_count(0)
    customer.ask_and_wait("new")
    assert customer.questions.count() == 1


def test_forgetting_leaves_nothing_on_the_device(customer: Customer) -> None:
    customer.open().ask_and_wait("secret")
    stored = "Object.keys(localStorage).filter(key => localStorage[key].includes('token')).length"
    assert customer.panel.locator("html").evaluate(f"() => {stored}") == 1
    customer.panel.locator("#menu-button").click()
    customer.panel.get_by_role("menuitem", name="End and forget this chat").click()
    customer.panel.get_by_role("button", name="Forget it").click()
    expect(customer.questions).to_have_count(0)
    assert customer.panel.locator("html").evaluate(f"() => {stored}") == 0


def test_nothing_is_stored_before_the_first_message(customer: Customer) -> None:
    customer.open()
    assert customer.panel.locator("html").evaluate("() => Object.keys(localStorage).length") == 0


def test_language_can_be_changed(customer: Customer) -> None:
    customer.open().panel.locator("#menu-button").click()
    customer.panel.get_by_role("menuitem", name="切换到中文").click()
    expect(customer.panel.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(customer.panel.locator("#person")).to_have_text("转人工客服")
    expect(customer.panel.locator(".starters button").first).to_have_text("多久可以送到？")


def test_screen_readers_hear_the_answer_once(customer: Customer) -> None:
    customer.open()
    customer.panel.locator("#announcer").evaluate(
        """region => {
            window.heard = [];
            new MutationObserver(changes => changes.forEach(change =>
                change.addedNodes.forEach(node => heard.push(node.textContent)))).observe(region, {childList: true});
        }"""
    )
    customer.ask_and_wait("one **two** three four five six")
    heard = customer.panel.locator("html").evaluate("() => heard")
    assert heard == ["The assistant is answering.", "one two three four five six"]
    assert customer.panel.locator("#transcript").get_attribute("aria-live") == "off"


def test_keyboard_alone_is_enough(customer: Customer) -> None:
    page = customer.page
    expect(customer.launcher).to_be_visible()
    customer.launcher.focus()
    page.keyboard.press("Enter")
    expect(customer.composer).to_be_focused()
    page.keyboard.type("with the keyboard")
    page.keyboard.press("Enter")
    expect(customer.answers).to_have_count(1)
    customer.panel.locator("#transcript").focus()
    page.keyboard.press("ArrowUp")
    expect(customer.replies.first).to_be_focused()
    page.keyboard.press("Home")
    expect(customer.questions.first).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    expect(customer.replies.get_by_role("button", name="Copy")).to_be_focused()
    customer.panel.locator("#menu-button").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(customer.panel.get_by_role("menuitem", name="Talk to a person")).to_be_focused()
    page.keyboard.press("Escape")
    expect(customer.panel.locator("#menu-button")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("iframe")).to_be_hidden()
    expect(customer.launcher).to_be_focused()


def test_reader_of_old_messages_is_not_pulled_down(customer: Customer) -> None:
    customer.open().ask_and_wait("\n\n".join(["line"] * 40))
    transcript = customer.panel.locator("#transcript")
    customer.ask(" ".join(["more"] * 30))
    expect(customer.replies).to_have_count(2)
    transcript.evaluate("element => { element.scrollTop = 0; }")
    expect(customer.answers).to_have_count(2)
    assert transcript.evaluate("element => element.scrollTop") == 0
    customer.panel.get_by_role("button", name="New messages").click()
    expect(customer.panel.locator("#newer")).to_be_hidden()
    assert transcript.evaluate("element => element.scrollTop") > 0


def test_unknown_visitor_begins_anew(page: Page, csbot: Services, bot: str) -> None:
    customer = Customer(page, csbot.url)
    customer.open().ask_and_wait("before")
    customer.panel.locator("html").evaluate(
        """(_, key) => localStorage.setItem(key,
            JSON.stringify({...JSON.parse(localStorage[key]), token: "spent"}))""",
        f"csbot:{bot}",
    )
    page.reload()
    expect(customer.panel.locator("#notice")).to_contain_text("no longer available")
    customer.ask_and_wait("after")

"""From the bot to a person and back, as the customer sees it; agents work through the services."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.agent import Agent
from tests.browser.customer import Customer
from tests.browser.test_accessibility import grave
from tests.services import Services

pytestmark = pytest.mark.browser
CHINESE = "?lang=zh-hans&theme=light"
LISTEN = """region => {
    window.heard = [];
    new MutationObserver(changes => changes.forEach(change =>
        change.addedNodes.forEach(node => heard.push(node.textContent)))).observe(region, {childList: true});
}"""


@pytest.fixture(scope="module")
def colleague(csbot: Services) -> Iterator[Agent]:
    agent = Agent(csbot)
    yield agent
    agent.close()


@pytest.fixture
def agent(colleague: Agent) -> Iterator[Agent]:
    """A colleague who has an empty queue before them."""
    colleague.do('Conversation.objects.filter(status="waiting").update(status="closed")')
    yield colleague
    colleague.come_back()


def call(customer: Customer) -> None:
    customer.panel.get_by_role("button", name=re.compile("Talk to a person|转人工客服")).click()


def wait_for_person(customer: Customer, agent: Agent, name: str) -> None:
    """Ask for a person and get one."""
    customer.open()
    call(customer)
    expect(customer.panel.locator("#desk[data-state=waiting]")).to_be_visible()
    agent.take_over(name)
    expect(customer.panel.locator("#desk[data-state=taken]")).to_be_visible()


def test_place_in_the_queue_moves_up(
    customer: Customer, csbot: Services, agent: Agent, browser: Browser
) -> None:
    other = browser.new_context()
    first = Customer(other.new_page(), csbot.url)
    first.open()
    call(first)
    expect(first.panel.locator("#desk")).to_contain_text("You are number 1.")
    customer.open()
    call(customer)
    desk = customer.panel.locator("#desk p")
    expect(desk).to_have_text("Connecting you to a person. You are number 2.")
    agent.do(
        "first = Conversation.objects.filter(status='waiting').earliest('waiting_since')\n"
        "takeover.take_over(first, by=colleague('Bo Lind'))"
    )
    expect(desk).to_contain_text("You are number 1.")
    expect(customer.panel.locator("#presence")).to_have_text("A person has been asked")
    other.close()


def test_person_answers_and_the_bot_is_silent(customer: Customer, agent: Agent) -> None:
    """What the bot was saying goes away at once, what it is asked afterwards stays with the person."""
    customer.open().ask(" ".join(f"word{each}" for each in range(60)))
    expect(customer.replies.last).to_contain_text("word1")
    expect(customer.panel.locator("#stop")).to_be_visible()
    agent.take_over("Ana Weber")
    desk = customer.panel.locator("#desk p")
    expect(desk).to_have_text("Ana Weber A person answers now.")
    expect(customer.replies).to_have_count(0)
    expect(customer.panel.locator("#stop")).to_be_hidden()
    expect(customer.panel.locator("#person")).to_be_hidden()
    customer.tell("is anybody there?")
    agent.write("I am, with **pleasure**.")
    said = customer.panel.locator("[data-role=agent]")
    expect(said.locator(".text")).to_have_text("I am, with pleasure.")
    expect(said.locator(".author")).to_contain_text("Ana Weber")
    expect(said.locator(".author")).to_contain_text("a person")
    expect(said.get_by_role("button", name="Good answer")).to_be_visible()
    said.get_by_role("button", name="Good answer").click()
    expect(said.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    assert customer.replies.count() == 0
    agent.hand_back()
    expect(desk).to_be_hidden()
    expect(customer.panel.locator("[data-role=notice]").last).to_contain_text("Ana Weber has left")
    answer = customer.ask_and_wait("and now?")
    expect(answer.locator(".author")).to_have_text(re.compile("AI assistant"))
    assert customer.errors == []


def test_both_hear_of_each_other_typing(customer: Customer, agent: Agent) -> None:
    frames: list[str] = []
    customer.page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda frame: frames.append(str(frame))),
    )
    wait_for_person(customer, agent, "Ana Weber")
    customer.composer.press_sequentially("a long story", delay=10)
    customer.page.wait_for_timeout(100)
    assert sum("customer.typing" in frame for frame in frames) == 1
    typing = customer.panel.locator("#typing")
    agent.type()
    expect(typing).to_have_text("Ana Weber is typing…")
    agent.write("done")
    expect(typing).to_be_hidden()
    agent.type()
    expect(typing).to_be_visible()
    expect(typing).to_be_hidden(timeout=8_000)


def test_screen_readers_hear_who_speaks_and_each_change_once(
    customer: Customer, agent: Agent
) -> None:
    customer.open()
    customer.panel.locator("#announcer").evaluate(LISTEN)
    call(customer)
    expect(customer.panel.locator("#desk")).to_contain_text("number 1")
    agent.take_over("Ana Weber")
    expect(customer.panel.locator("#desk[data-state=taken]")).to_be_visible()
    agent.type()
    agent.type()
    agent.write("Good morning")
    expect(customer.panel.locator("[data-role=agent]")).to_have_count(1)
    agent.hand_back()
    expect(customer.panel.locator("#desk")).to_be_hidden()
    assert customer.panel.locator("html").evaluate("() => heard") == [
        "Connecting you to a person. You are number 1.",
        "Ana Weber has joined. A person answers now.",
        "Ana Weber is typing…",
        "Ana Weber: Good morning",
        "The AI assistant answers again.",
    ]


def test_page_around_hears_of_the_handoff(
    customer: Customer, csbot: Services, agent: Agent
) -> None:
    customer.page.evaluate(
        """() => {
            window.told = [];
            csbot.on("handoff", ({state, position}) => told.push([state, position]));
        }"""
    )
    wait_for_person(customer, agent, "Ana Weber")
    # The host is an address, which moderation masks.
    assert agent.do("value = newest().page").endswith(f":{csbot.port}/")
    customer.launcher.click()
    agent.write("one unread message")
    expect(customer.launcher).to_have_attribute("aria-label", "Open chat, 1 unread")
    agent.end()
    customer.launcher.click()
    customer.panel.get_by_role("button", name="New conversation").click()
    expect(customer.composer).to_be_focused()
    assert customer.page.evaluate("told") == [
        ["waiting", 1],
        ["taken", None],
        ["closed", None],
        ["bot", None],
    ]


def test_ended_conversation_is_rated_and_saved(page: Page, csbot: Services, agent: Agent) -> None:
    """In Chinese, with the keyboard alone."""
    customer = Customer(page, csbot.url, CHINESE)
    wait_for_person(customer, agent, "芳 王")
    expect(customer.panel.locator("#desk")).to_contain_text("现在由人工客服为您解答。")
    customer.tell("我的包裹在哪里？")
    agent.write("明天送到。")
    expect(customer.panel.locator("[data-role=agent]")).to_have_count(1)
    agent.end()
    group = customer.panel.get_by_role("radiogroup", name="您对这次对话满意吗？")
    expect(group).to_be_visible()
    expect(customer.composer).to_be_hidden()
    group.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(customer.panel.locator("#rating-word")).to_have_text("满意")
    page.keyboard.press("Tab")
    page.keyboard.type("很快")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(customer.panel.locator("#rated")).to_have_text("谢谢，您的评分是 4 分（满分 5 分）。")
    stored = agent.do("value = [newest().rating, newest().rating_comment]")
    assert stored == [4, "很快"]
    with page.expect_download() as download:
        customer.panel.get_by_role("button", name="保存为文件").click()
    text = download.value.path().read_text()
    assert re.search(r"\] 您：我的包裹在哪里？\n\n\[.*\] .*：明天送到。", text)
    page.reload()
    expect(customer.panel.locator("#rated")).to_be_visible()


def test_message_is_left_when_nobody_is_there(
    customer: Customer, agent: Agent, context: BrowserContext
) -> None:
    agent.go_home()
    customer.open().composer.fill("My lamp is broken.")
    call(customer)
    form = customer.panel.locator("#away form")
    expect(form.get_by_role("heading", name="Nobody is here right now")).to_be_focused()
    expect(form.get_by_label("Your message")).to_have_value("My lamp is broken.")
    form.get_by_role("button", name="Send message").click()
    contact = form.get_by_label("Email address or phone number")
    expect(contact).to_be_focused()
    expect(contact).to_have_attribute("aria-invalid", "true")
    expect(form.locator("#away-contact-wrong")).to_have_text("Please tell us how to reach you.")
    contact.fill("kim@example.com")
    context.set_offline(True)
    form.get_by_role("button", name="Send message").click()
    expect(form.get_by_role("alert")).to_contain_text("Your message is kept here")
    context.set_offline(False)
    customer.page.reload()
    expect(customer.panel.locator("#desk")).to_contain_text("Nobody is here right now.")
    customer.panel.get_by_role("button", name="Leave a message").click()
    expect(contact).to_have_value("kim@example.com")
    form.get_by_label("Your name (optional)").fill("Kim")
    form.get_by_label("Your message").fill("You faggot.")
    form.get_by_role("button", name="Send message").click()
    expect(form.get_by_role("alert")).to_have_text("Please say it in other words.")
    expect(contact).to_have_value("kim@example.com")
    form.get_by_label("Your message").fill("My lamp is broken.")
    form.get_by_role("button", name="Send message").click()
    thanks = customer.panel.locator("#away .thanks")
    expect(thanks.get_by_role("heading", name="Thank you")).to_be_focused()
    left = agent.do("value = [(each.name, each.text) for each in LeftMessage.objects.all()]")
    assert left == [["Kim", "My lamp is broken."]]
    thanks.get_by_role("button", name="Back to the chat").click()
    expect(customer.composer).to_be_focused()
    expect(customer.panel.locator("[data-role=notice]").last).to_contain_text("your message")


@pytest.mark.parametrize(
    ("lang", "theme"), [("en", "light"), ("zh-hans", "dark")], ids=["en light", "zh dark"]
)
def test_every_state_is_accessible_on_a_phone(
    page: Page, csbot: Services, bot: str, agent: Agent, lang: str, theme: str
) -> None:
    def check(state: str) -> None:
        assert grave(page) == [], state
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, state

    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(f"{csbot.url}/widget/{bot}/?locale={lang}&theme={theme}")
    page.locator("#person").click()
    expect(page.locator("#desk[data-state=waiting]")).to_be_visible()
    check("waiting")
    agent.take_over("Ana Weber")
    agent.write("hello")
    agent.type()
    expect(page.locator("#typing")).to_be_visible()
    check("taken")
    agent.end()
    page.locator(".stars label").nth(2).click()
    check("ended")
    agent.go_home()
    page.locator("#again").click()
    page.locator("#person").click()
    page.locator("#away [type=submit]").click()
    expect(page.locator("#away-text-wrong")).to_be_visible()
    check("away")

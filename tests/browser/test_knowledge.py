"""Approved answers, answers to another question, and answers that may be wrong."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.customer import Customer
from tests.services import Services

pytestmark = pytest.mark.browser

QUESTION = "Can I bring my own cup to the shop?"
ANSWER = "Yes. Bring it clean, and the drink costs **ten cents less**."
SUGGESTIONS = (
    "Where is my parcel?",
    "How do I change the address of an order that has not been sent yet?",
    "Can I pay when it arrives?",
)
APPROVE = """
import json
from chat.selectors import demo_bot
from chat.services import knowledge
question, answer = json.loads({pair!r})
draft = knowledge.Draft(questions=(question,), text=answer)
knowledge.save(demo_bot(), "en", draft, author=None)
"""
REPLY = """
import json
from chat.models import Message
from chat.services import publishing
fields = json.loads({fields!r})
question = Message.objects.get(role="customer", text=fields.pop("asked"))
conversation = question.conversation
conversation.last_seq += 1
conversation.save()
message = Message.objects.create(
    conversation=conversation, seq=conversation.last_seq, role="assistant", status="sent",
    reply_to=question, **fields,
)
publishing.announce_message("message.created", message, is_new=True)
"""
DEMAND = """
from chat.models import Bot
Bot.objects.update(confidence_threshold={threshold}, unsure_answers={unsure!r})
"""
NOTE_ANNOUNCEMENTS = """region => {
    window.heard = [];
    new MutationObserver(records => {
        for (const { addedNodes } of records) for (const node of addedNodes) window.heard.push(node.textContent);
    }).observe(region, { childList: true });
}"""


def shell(csbot: Services, code: str) -> None:
    csbot.manage("shell", "--verbosity", "0", "-c", code)


def approve(csbot: Services, question: str, answer: str = ANSWER) -> None:
    shell(csbot, APPROVE.format(pair=json.dumps([question, answer])))


def reply(csbot: Services, asked: str, text: str, **fields: str | Sequence[str]) -> None:
    """The bot says ``text`` in the conversation in which ``asked`` was asked."""
    values = json.dumps({"asked": asked, "text": text, "source": "model", **fields})
    shell(csbot, REPLY.format(fields=values))


def unsure(customer: Customer, csbot: Services, asked: str) -> Locator:
    """An answer that may be wrong, under an answer to ``asked``."""
    customer.open().ask_and_wait(asked)
    reply(csbot, asked, "Perhaps like this.", code="unsure", suggestions=SUGGESTIONS)
    expect(customer.answers).to_have_count(2)
    return customer.answers.nth(1)


@contextmanager
def demanding(csbot: Services, unsure: str) -> Iterator[None]:
    """No answer is sure enough for the bots, for a while."""
    shell(csbot, DEMAND.format(threshold=1, unsure=unsure))
    try:
        yield
    finally:
        shell(csbot, DEMAND.format(threshold=0, unsure="show"))


def chips(answer: Locator) -> Locator:
    return answer.get_by_role("group", name="Did you mean").get_by_role("button")


def test_approved_question_is_answered_as_approved(customer: Customer, csbot: Services) -> None:
    approve(csbot, QUESTION)
    answer = customer.open().ask_and_wait("can i bring my own cup to the shop")
    expect(answer.locator(".state")).to_have_text("Approved answer")
    assert customer.said(answer) == "Yes. Bring it clean, and the drink costs ten cents less."
    expect(answer.locator(".doubt")).to_be_hidden()
    expect(answer.get_by_role("button", name="Not my question")).to_be_visible()
    assert customer.errors == []


def test_answer_of_the_model_has_no_such_button(customer: Customer) -> None:
    answer = customer.open().ask_and_wait("something that nobody approved")
    expect(answer.get_by_role("button", name="Not my question")).to_be_hidden()
    expect(answer.locator(".state")).to_have_text("")


def test_kept_answer_has_the_button_and_no_label(customer: Customer, csbot: Services) -> None:
    customer.open().ask_and_wait("asked by many")
    reply(csbot, "asked by many", "Kept from before.", source="cache")
    answer = customer.answers.nth(1)
    expect(answer.get_by_role("button", name="Not my question")).to_be_visible()
    expect(answer.locator(".state")).to_have_text("")


def test_not_my_question_brings_another_answer(customer: Customer, csbot: Services) -> None:
    asked = "Is there a cup for the road?"
    approve(csbot, asked)
    answer = customer.open().ask_and_wait(asked)
    customer.panel.locator("#announcer").evaluate(NOTE_ANNOUNCEMENTS)
    answer.get_by_role("button", name="Not my question").press("Enter")
    expect(answer.locator(".rejected")).to_have_text("Thank you, I will look again.")
    expect(answer.get_by_role("button", name="Not my question")).to_be_hidden()
    expect(answer.get_by_role("button", name="Bad answer")).to_be_focused()
    expect(answer.get_by_role("button", name="Bad answer")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(customer.panel.locator(".reasons")).to_have_count(0)
    expect(customer.answers).to_have_count(2)
    assert customer.said(customer.answers.nth(1)) == asked
    expect(customer.answers.nth(1).locator(".state")).to_have_text("")
    assert customer.questions.count() == 1
    heard = customer.panel.locator("#announcer").evaluate("() => window.heard")
    assert heard.count("Thank you, I will look again.") == 1

    customer.page.reload()
    expect(customer.answers).to_have_count(2)
    expect(customer.answers.first.locator(".rejected")).to_have_text(
        "Thank you, I will look again."
    )


def test_older_answer_is_rejected_without_a_promise(customer: Customer, csbot: Services) -> None:
    approve(csbot, "Are cups washed?")
    answer = customer.open().ask_and_wait("Are cups washed?")
    customer.ask_and_wait("then something else")
    answer.get_by_role("button", name="Not my question").click()
    expect(answer.locator(".rejected")).to_have_text("Thank you for telling us.")
    customer.ask_and_wait("and on")
    assert customer.answers.count() == 3


def test_refused_feedback_is_no_thanks(
    customer: Customer, csbot: Services, context: BrowserContext
) -> None:
    approve(csbot, "Are cups sold?")
    answer = customer.open().ask_and_wait("Are cups sold?")
    customer.page.route("**/feedback", lambda route: route.abort())
    answer.get_by_role("button", name="Not my question").click()
    expect(customer.panel.locator("#notice")).to_have_text("That did not work. Please try again.")
    expect(answer.get_by_role("button", name="Not my question")).to_be_visible()
    expect(answer.locator(".rejected")).to_be_hidden()
    customer.page.unroute("**/feedback")
    answer.get_by_role("button", name="Not my question").click()
    expect(customer.answers).to_have_count(2)


def test_unsure_answer_offers_questions_and_a_person(customer: Customer, csbot: Services) -> None:
    customer.open().ask_and_wait("first words")
    customer.panel.locator("#announcer").evaluate(NOTE_ANNOUNCEMENTS)
    reply(csbot, "first words", "Perhaps like this.", code="unsure", suggestions=SUGGESTIONS)
    answer = customer.answers.nth(1)
    expect(answer.locator(".unsure")).to_have_text("I am not sure about this answer.")
    expect(chips(answer)).to_have_text(SUGGESTIONS)
    expect(answer.get_by_role("button", name="Talk to a person")).to_be_visible()
    expect(answer.get_by_role("button", name="Not my question")).to_be_hidden()
    heard = customer.panel.locator("#announcer").evaluate("() => window.heard")
    assert heard == [
        " ".join(
            (
                "Perhaps like this.",
                "I am not sure about this answer.",
                "Did you mean …?",
                *SUGGESTIONS,
            )
        )
    ]


def test_questions_and_a_person_stand_instead_of_an_unsure_answer(
    customer: Customer, csbot: Services
) -> None:
    with demanding(csbot, "offer"):
        answer = customer.open().ask_and_wait("Would somebody put a lamp aside until Friday?")
    assert customer.said(answer).startswith("I am not sure that I understand.")
    expect(answer.locator(".unsure")).to_be_hidden()
    expect(answer.get_by_role("button", name="Bad answer")).to_be_hidden()
    expect(answer.get_by_role("button", name="Talk to a person")).to_be_visible()
    expect(chips(answer).first).to_be_visible()


def test_bot_that_is_not_sure_says_so_by_itself(customer: Customer, csbot: Services) -> None:
    with demanding(csbot, "show"):
        answer = customer.open().ask_and_wait("Could somebody put a lamp aside until Friday?")
    expect(answer.locator(".unsure")).to_be_visible()
    question = chips(answer).first.inner_text()
    chips(answer).first.click()
    expect(customer.answers).to_have_count(2)
    expect(customer.questions.nth(1).locator(".text")).to_have_text(question)
    expect(customer.answers.nth(1).locator(".state")).to_have_text("Approved answer")


def test_chosen_question_is_asked_and_the_offer_ends(customer: Customer, csbot: Services) -> None:
    answer = unsure(customer, csbot, "choose one of these")
    chips(answer).first.click()
    expect(customer.questions).to_have_count(2)
    expect(customer.questions.nth(1).locator(".text")).to_have_text(SUGGESTIONS[0])
    expect(customer.answers).to_have_count(3)
    expect(answer.locator(".offer")).to_be_hidden()
    expect(answer.locator(".unsure")).to_be_visible()
    expect(customer.panel.locator("#transcript")).to_be_focused()
    customer.page.reload()
    expect(customer.answers).to_have_count(3)
    expect(customer.answers.nth(1).locator(".offer")).to_be_hidden()
    assert customer.errors == []


def test_offer_is_walked_by_keyboard_in_the_order_of_reading(
    customer: Customer, csbot: Services
) -> None:
    answer = unsure(customer, csbot, "without a mouse")
    answer.focus()
    for question in SUGGESTIONS:
        customer.page.keyboard.press("Tab")
        expect(chips(answer).get_by_text(question)).to_be_focused()
    customer.page.keyboard.press("Tab")
    expect(answer.get_by_role("button", name="Copy")).to_be_focused()
    customer.page.keyboard.press("Shift+Tab")
    customer.page.keyboard.press("Enter")
    expect(customer.questions.nth(1).locator(".text")).to_have_text(SUGGESTIONS[2])


def test_questions_without_a_code_are_offered_without_doubt(
    customer: Customer, csbot: Services
) -> None:
    customer.open().ask_and_wait("no doubt at all")
    reply(csbot, "no doubt at all", "Like this.", suggestions=SUGGESTIONS[:1])
    answer = customer.answers.nth(1)
    expect(chips(answer)).to_have_text(SUGGESTIONS[:1])
    expect(answer.locator(".unsure")).to_be_hidden()
    expect(answer.get_by_role("button", name="Talk to a person")).to_be_hidden()


def test_doubt_without_questions_is_a_line(customer: Customer, csbot: Services) -> None:
    customer.open().ask_and_wait("nothing comes near")
    reply(csbot, "nothing comes near", "Perhaps.", code="unsure")
    answer = customer.answers.nth(1)
    expect(answer.locator(".unsure")).to_be_visible()
    expect(answer.locator(".offer")).to_be_hidden()
    answer.get_by_role("button", name="Talk to a person").click()
    expect(customer.panel.locator("[data-role=notice]")).to_contain_text("asked a person")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_offer_is_accessible_on_the_narrowest_screen(
    page: Page, csbot: Services, bot: str, theme: str, lang: str
) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{csbot.url}/widget/{bot}/?locale={lang}&theme={theme}")
    asked = f"narrow {lang} {theme}"
    approve(csbot, asked)
    page.locator("#text").fill(asked)
    page.locator("#text").press("Enter")
    expect(page.locator("[data-do=other]:visible")).to_have_count(1)
    reply(csbot, asked, "Perhaps.", code="unsure", suggestions=[*SUGGESTIONS[:2], "地址" * 60])
    buttons = page.locator(".offer button")
    expect(buttons).to_have_count(3)
    for button in buttons.all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 24
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
    sideways = "element => element.scrollWidth > element.clientWidth"
    assert not page.locator("#transcript").evaluate(sideways)
    violations = Axe().run(page).response["violations"]
    assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []

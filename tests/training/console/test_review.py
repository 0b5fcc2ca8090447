"""The review queue over HTTP: for reviewers, for their bots, and without a page between items."""

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from chat.models import Bot
from moderation.models import AuditEntry
from tests.factories import BotFactory, ConversationFactory, DatasetFactory, UserFactory
from tests.training.services.test_reviewing import ASKED, liked
from training.agreement import of_pairs
from training.models import Example, ReviewItem
from training.services.proposing import propose

pytestmark = pytest.mark.django_db

EVERY = (
    "work_on_all_bots", "review_example", "propose_chat", "approve_example", "view_reviewitem",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _small_embedder(settings: Any) -> None:
    settings.CHAT_EMBEDDER = "ngrams"


@pytest.fixture
def bot() -> Bot:
    made: Bot = BotFactory(confidence_threshold=0)
    DatasetFactory(bot=made)
    liked(made)
    propose(made)
    return made


def person(*permissions: str) -> Client:
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions or EVERY))
    client = Client()
    client.force_login(user)
    return client


def decide(client: Client, item: uuid.UUID, **fields: Any) -> Any:
    return client.post(
        reverse("admin:review_decide", args=[item]),
        json.dumps(fields),
        content_type="application/json",
    )


def test_the_next_items_come_with_all_that_is_shown(bot: Bot) -> None:
    client = person()
    found = client.get(reverse("admin:review_next")).json()
    (item,) = found["items"]
    assert item["turns"] == [{"role": "user", "content": ASKED}]
    assert (item["answer"], item["reason"], item["covers"]) == ("Yes, within 30 days.", "liked", 1)
    assert (found["left"], found["today"]) == (1, 0)
    held = client.get(reverse("admin:review_next"), {"held": [item["id"], "x"]}).json()
    assert held["items"] == []


def test_a_decision_is_taken_and_taken_back(bot: Bot) -> None:
    client = person()
    item = ReviewItem.objects.get()
    answer = decide(client, item.public_id, verdict="approve", seconds=9)
    assert answer.json() == {
        "verdict": "approve", "is_first": False, "count": 1, "left": 0, "waiting": {}, "today": 1,
        "an_hour": None,
    }  # fmt: skip
    assert Example.objects.count() == 1

    undone = client.post(reverse("admin:review_undo")).json()
    assert undone["item"]["id"] == str(item.public_id)
    assert not Example.objects.exists()


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", '{"verdict": "destroy"}', '{"verdict": "approve", "turns": 5}', "\x00"],
)
def test_what_is_no_decision_changes_nothing(bot: Bot, body: str) -> None:
    address = reverse("admin:review_decide", args=[ReviewItem.objects.get().public_id])
    answer = person().post(address, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["problem"]
    assert ReviewItem.objects.get().status == "open"


def test_a_refusal_says_why(bot: Bot) -> None:
    answer = decide(person(), ReviewItem.objects.get().public_id, verdict="reject")
    assert answer.status_code == 409
    assert "why" in answer.json()["problem"]


def test_another_bots_proposals_are_as_if_they_were_not_there(bot: Bot) -> None:
    stranger = person("review_example", "approve_example", "view_reviewitem")
    item = ReviewItem.objects.get()
    foreign = decide(stranger, item.public_id, verdict="approve")
    missing = decide(stranger, uuid.uuid4(), verdict="approve")
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert stranger.get(reverse("admin:review_next")).json()["items"] == []


@pytest.mark.parametrize("name", ["queue", "next", "undo", "propose"])
def test_nobody_else_gets_in(bot: Bot, name: str) -> None:
    client = person("work_on_all_bots", "view_reviewitem")
    method = client.get if name in ("queue", "next") else client.post
    assert method(reverse(f"admin:review_{name}")).status_code == 403
    assert Client().get(reverse(f"admin:review_{name}")).status_code in (302, 405)


def test_looking_is_no_deciding(bot: Bot) -> None:
    client = person()
    item = ReviewItem.objects.get()
    for name, args in (("undo", []), ("propose", []), ("decide", [item.public_id])):
        assert client.get(reverse(f"admin:review_{name}", args=args)).status_code == 405


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_opens_in_both_languages(bot: Bot, language: str) -> None:
    client = person()
    client.cookies["django_language"] = language
    for address in (
        reverse("admin:review_queue"),
        reverse("admin:training_reviewitem_changelist"),
        reverse("admin:training_reviewitem_change", args=[ReviewItem.objects.get().pk]),
    ):
        assert client.get(address).status_code == 200


def test_agreement_is_counted_without_chance() -> None:
    """The example of Cohen's kappa with 20, 5, 10 and 15 of 50 decisions."""
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    found = of_pairs(pairs)
    assert found is not None
    assert (found.pairs, found.share) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)
    assert of_pairs([]) is None
    same = of_pairs([(True, True)] * 3)
    assert same is not None
    assert same.kappa is None


def test_a_decision_that_is_sent_again_is_the_same_one(bot: Bot) -> None:
    client, item = person(), ReviewItem.objects.get()
    batch = str(uuid.uuid4())
    first = decide(client, item.public_id, verdict="approve", batch=batch)
    again = decide(client, item.public_id, verdict="approve", batch=batch)
    assert (first.json(), again.status_code) == (again.json(), 200)
    assert item.decisions.count() == 1


def test_the_first_of_two_hears_that_it_is_not_done(bot: Bot) -> None:
    item = ReviewItem.objects.get()
    answer = decide(person(), item.public_id, verdict="approve", scenario="complaint").json()
    assert (answer["is_first"], answer["count"]) == (True, 1)


def test_earlier_turns_are_edited_in_place(bot: Bot) -> None:
    item = ReviewItem.objects.get()
    turns = [{"role": "user", "content": "Can I bring it back?"}]
    answer = decide(person(), item.public_id, verdict="approve", turns=turns)
    assert answer.json()["verdict"] == "edit"
    item.refresh_from_db()
    assert (item.turns, item.original["turns"][0]["content"]) == (turns, ASKED)


def test_a_chat_is_proposed_from_its_page(bot: Bot) -> None:
    message = liked(bot, "Do you sell lamps?")
    client = person(*EVERY, "view_conversation", "view_message")
    page = reverse("admin:chat_conversation_change", args=[message.conversation.pk])
    address = reverse("admin:review_propose_chat", args=[message.conversation.public_id])
    assert address in client.get(page).content.decode()
    answer = client.post(address, headers={"referer": f"http://testserver{page}"})
    assert answer["Location"] == f"http://testserver{page}"
    assert ReviewItem.objects.filter(conversation=message.conversation).exists()
    elsewhere = client.post(address, headers={"referer": "https://evil.example/"})
    assert elsewhere["Location"] == reverse("admin:review_queue")


def test_a_chat_of_another_bot_cannot_be_proposed(bot: Bot) -> None:
    foreign = liked(BotFactory(confidence_threshold=0))
    stranger = person("propose_chat", "view_reviewitem")
    address = reverse("admin:review_propose_chat", args=[foreign.conversation.public_id])
    missing = reverse("admin:review_propose_chat", args=[uuid.uuid4()])
    assert [stranger.post(each).status_code for each in (address, missing)] == [404, 404]
    without = person("work_on_all_bots", "view_reviewitem")
    assert without.post(address).status_code == 403


def test_an_agent_proposes_the_chat_that_is_open_in_the_inbox(bot: Bot) -> None:
    message = liked(bot, "Do you sell lamps?")
    agent = person("work_on_all_bots", "answer_conversation", "propose_chat")
    pattern = reverse("admin:review_propose_chat", args=[uuid.UUID(int=0)])
    assert pattern in agent.get(reverse("admin:inbox_page")).text
    address = reverse("admin:review_propose_chat", args=[message.conversation.public_id])

    told = agent.post(address, headers={"accept": "application/json"})

    assert (told.status_code, told.json()) == (200, {"message": "It stands in the review queue."})
    item = ReviewItem.objects.get(conversation=message.conversation)
    entry = AuditEntry.objects.filter(action="examples.proposed").latest("id")
    assert (item.reason, entry.actor_kind) == ("asked", "person")
    assert agent.get(reverse("admin:review_next")).status_code == 403
    without = person("work_on_all_bots", "answer_conversation")
    assert pattern not in without.get(reverse("admin:inbox_page")).text


def test_the_inbox_is_told_why_a_chat_cannot_be_proposed(bot: Bot) -> None:
    empty = ConversationFactory(visitor__bot=bot)
    address = reverse("admin:review_propose_chat", args=[empty.public_id])
    told = person().post(address, headers={"accept": "application/json"})
    assert told.status_code == 409
    assert "Nobody has answered" in told.json()["problem"]


def test_a_second_reader_sees_nowhere_how_the_first_decided(bot: Bot, settings: Any) -> None:
    settings.TRAINING_SECOND_READINGS = 1
    first, second = person(*EVERY), person(*EVERY)
    item = ReviewItem.objects.get()
    before = person(*EVERY).get(reverse("admin:review_next")).json()["items"]
    ReviewItem.objects.update(lent_to=None)
    decide(first, item.public_id, verdict="approve")

    assert second.get(reverse("admin:review_next")).json()["items"] == before
    listed = reverse("admin:training_reviewitem_changelist")
    page = reverse("admin:training_reviewitem_change", args=[item.pk])
    assert "(approved)" not in second.get(listed).text
    assert second.get(page).status_code == 404
    assert "(approved)" in first.get(listed).text
    decide(second, item.public_id, verdict="approve")
    assert "(approved)" in second.get(listed).text


def test_the_list_says_what_became_of_them(bot: Bot) -> None:
    client = person(*EVERY)
    decide(client, ReviewItem.objects.get().public_id, verdict="approve")
    page = client.get(reverse("admin:training_reviewitem_changelist")).content.decode()
    assert "(approved)" in page
    assert "the next version" in page
    one = client.get(
        reverse("admin:training_reviewitem_change", args=[ReviewItem.objects.get().pk])
    )
    assert b"Approved" in one.content


def test_requests_of_another_site_are_refused(bot: Bot) -> None:
    client = person()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    for name in ("undo", "propose"):
        assert strict.post(reverse(f"admin:review_{name}")).status_code == 403
    assert decide(strict, ReviewItem.objects.get().public_id, verdict="approve").status_code == 403
    assert ReviewItem.objects.get().status == "open"

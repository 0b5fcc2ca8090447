"""The review queue over HTTP: for reviewers, for their bots, and without a page between items."""

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from chat.models import Bot
from tests.factories import BotFactory, DatasetFactory, UserFactory
from tests.training.services.test_reviewing import ASKED, liked
from training.agreement import of_pairs
from training.models import Example, ReviewItem
from training.services.proposing import propose

pytestmark = pytest.mark.django_db

EVERY = ("work_on_all_bots", "review_example", "approve_example", "view_reviewitem")


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
        "verdict": "approve", "count": 1, "left": 0, "today": 1, "an_hour": None,
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

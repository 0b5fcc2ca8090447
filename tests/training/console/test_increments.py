"""Pages of the loop: what waits is said, each button does one thing, and nobody's bots are foreign."""

import re
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from moderation.models import AuditEntry
from tests.factories import BotFactory
from tests.training.candidates import Stage
from tests.training.services.increment_world import approve, learned, proposal, reviewer
from training.models import Increment, IncrementPolicy, ReviewItem
from training.services import increment_decisions

pytestmark = pytest.mark.django_db


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **_: names.append(name))
    return names


def page_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def rita(stage: Stage) -> User:
    return reviewer("rita", stage.bot)


def opened(stage: Stage, *topics: str) -> Increment:
    for topic in topics or ("returns",):
        proposal(stage.bot, topic)
    return increment_decisions.propose(stage.bot, by=None, slot=None)


def change(increment: Increment) -> str:
    return reverse("admin:training_increment_change", args=[increment.pk])


def test_the_empty_list_says_what_comes(stage: Stage) -> None:
    shown = page_of(rita(stage)).get(reverse("admin:training_increment_changelist"))
    assert "There was no increment yet" in shown.content.decode()
    assert "Propose now" in shown.content.decode()


def test_proposing_leads_to_the_batch(stage: Stage) -> None:
    proposal(stage.bot)
    client = page_of(rita(stage))
    sent = {"bot": stage.bot.pk, "size": ""}
    found = client.post(reverse("admin:training_propose_increment"), sent, follow=True)
    increment = Increment.objects.get()
    assert found.redirect_chain[-1][0] == change(increment)
    assert increment.proposed_by is not None
    assert increment.slot is not None
    shown = client.get(reverse("admin:training_increment_changelist")).content.decode()
    assert f'value="{stage.bot.pk}"' not in shown, "one at a time"


def test_what_cannot_be_proposed_says_why(stage: Stage) -> None:
    client = page_of(rita(stage))
    where = reverse("admin:training_propose_increment")
    nothing = client.post(where, {"bot": stage.bot.pk}, follow=True).content.decode()
    assert "There is nothing to learn yet." in nothing
    foreign = client.post(where, {"bot": 987_654}, follow=True).content.decode()
    assert "under way already" in foreign
    assert not Increment.objects.exists()


def test_the_page_shows_stage_progress_and_topics(stage: Stage) -> None:
    increment = opened(stage, "returns", "delivery")
    user = rita(stage)
    approve(increment.items.get(scenario="returns"), user)
    shown = page_of(user).get(change(increment)).content.decode()
    assert "being reviewed" in shown
    assert "50 %" in shown
    assert "1 of 2 proposals decided" in shown
    for words in ("Delivery", "Returns", "Close the batch", "Cancel this increment"):
        assert words in shown


def test_closing_by_its_button_rings_for_the_next_step(
    stage: Stage, called: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    increment = opened(stage)
    user = rita(stage)
    approve(increment.items.get(), user)
    where = reverse("admin:training_close_increment", args=[increment.pk])
    client = page_of(user)
    client.get(where)
    increment.refresh_from_db()
    assert increment.stage == "review", "looking closes nothing"
    with django_capture_on_commit_callbacks(execute=True):
        client.post(where)
    increment.refresh_from_db()
    assert (increment.stage, increment.closed_by) == ("closed", user)
    assert called == ["increments.go_on"]
    again = client.post(where, follow=True).content.decode()
    assert "closed already" in again


def test_cancelling_by_its_button(stage: Stage) -> None:
    increment = opened(stage)
    client = page_of(rita(stage))
    client.post(reverse("admin:training_cancel_increment", args=[increment.pk]))
    shown = client.get(change(increment)).content.decode()
    assert "Close the batch" not in shown
    assert "Cancel this increment" not in shown
    assert ReviewItem.objects.get().increment is None


def test_who_only_looks_has_no_buttons_and_may_not_press_them(stage: Stage) -> None:
    increment = opened(stage)
    client = page_of(reviewer("aud", stage.bot, "view_increment"))
    shown = client.get(change(increment)).content.decode()
    assert "Close the batch" not in shown
    for name, args in (
        ("propose_increment", []),
        ("close_increment", [increment.pk]),
        ("cancel_increment", [increment.pk]),
    ):
        assert client.post(reverse(f"admin:training_{name}", args=args)).status_code == 403
    increment.refresh_from_db()
    assert increment.stage == "review"


def test_a_foreign_increment_is_not_there(stage: Stage) -> None:
    increment = opened(stage)
    user = rita(stage)
    user.user_permissions.remove(Permission.objects.get(codename="work_on_all_bots"))
    client = page_of(user)
    assert client.get(change(increment)).status_code == 404
    for name in ("close_increment", "cancel_increment"):
        address = reverse(f"admin:training_{name}", args=[increment.pk])
        assert client.post(address).status_code == 404
    listed = client.get(reverse("admin:training_increment_changelist")).content.decode()
    assert "Propose now" not in listed


def test_the_learning_curve_is_drawn_with_what_is_ahead(stage: Stage) -> None:
    stage.bot.training_runs.get().model_version.evaluations.all().delete()
    for train, rate in ((100, 0.65), (400, 0.8), (1600, 0.876), (6400, 0.912)):
        learned(stage.bot, train, rate)
    increment = opened(stage)
    shown = page_of(rita(stage)).get(change(increment)).content.decode()
    assert len(re.findall(r'class="in-mark" d="M[\d.]+ [\d.]+h0"', shown)) == 4
    assert len(re.findall(r'class="in-span"', shown)) == 2
    assert "100 more examples" in shown


def test_the_page_speaks_chinese(stage: Stage) -> None:
    for train, rate in ((100, 0.65), (400, 0.8), (1600, 0.876), (6400, 0.912)):
        learned(stage.bot, train, rate)
    increment = opened(stage)
    client = page_of(rita(stage))
    shown = client.get(change(increment), headers={"accept-language": "zh-hans"}).content.decode()
    for words in ("审核中", "再增加 100 个样本", "个百分点，95 %：", "1 个建议中已决定 0 个"):
        assert words in shown


def test_two_models_draw_points_and_promise_nothing(stage: Stage) -> None:
    learned(stage.bot, 400, 0.8)
    increment = opened(stage)
    shown = page_of(rita(stage)).get(change(increment)).content.decode()
    assert "three models" in shown
    assert 'class="in-span"' not in shown


def test_how_often_a_bot_learns_is_changed_on_record(stage: Stage) -> None:
    user = reviewer(
        "adm", stage.bot, "view_incrementpolicy", "add_incrementpolicy", "change_incrementpolicy"
    )
    client = page_of(user)
    sent = {
        "bot": stage.bot.pk,
        "is_scheduled": "on",
        "days": "14",
        "size": "200",
        "recipe": "tiny_test",
    }
    client.post(reverse("admin:training_incrementpolicy_add"), sent)
    policy = IncrementPolicy.objects.get(bot=stage.bot)
    assert (policy.days, policy.size, policy.recipe) == (14, 200, "tiny_test")
    assert AuditEntry.objects.filter(action="increment.policy_changed").count() == 1
    refused = client.post(
        reverse("admin:training_incrementpolicy_add"),
        {**sent, "bot": BotFactory().pk, "recipe": "none"},
    )
    assert refused.status_code == 200
    assert IncrementPolicy.objects.count() == 1

"""The promotion page: what is known, who may decide, and what becomes of it."""

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chat.models import BotGrant, Deployment, RunnerReport
from chat.selectors import deployments_before
from moderation.models import AuditEntry
from tests.factories import EvaluationFactory, UserFactory
from tests.training import candidates
from tests.training.candidates import Stage, knowing
from tests.training.console.signing_in import logged_in
from training.models import Evaluation, GatePolicy, ModelVersion, Promotion
from training.services import promoting

pytestmark = pytest.mark.django_db

REASON = "The old model is about to be switched off."


@pytest.fixture
def version(stage: Stage) -> ModelVersion:
    return stage.candidate(knowing(36))


@pytest.fixture
def worse(stage: Stage) -> ModelVersion:
    return stage.candidate(knowing(20))


def address(name: str, subject: Any) -> str:
    return reverse(f"admin:training_{name}", args=[subject.pk])


def page(user: User, version: ModelVersion, **query: Any) -> str:
    found = logged_in(user).get(address("promotion", version), query)
    assert found.status_code == 200
    return found.content.decode()


def active(stage: Stage) -> Deployment:
    return stage.bot.deployments.get(is_active=True)


def test_it_shows_the_gates_and_what_changed(stage: Stage, version: ModelVersion) -> None:
    html = page(stage.ann, version, change="better")
    assert "all gates open" in html
    assert "Promote it now" in html
    assert "Of 40 questions 6 got better and 0 broke" in html
    assert "Question 30?" in html
    assert "Question 29?" not in html
    assert "started by starter" in html


def test_a_closed_gate_takes_the_button_away_and_says_why(
    stage: Stage, worse: ModelVersion
) -> None:
    html = page(stage.ann, worse)
    assert "1 gate closed" in html
    assert "Promote it now" not in html
    assert "Ask a second person" in html
    assert "Nonsense." in html


def test_who_approved_the_right_answer_stands_beside_it(
    stage: Stage, worse: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import comparisons

    digests = comparisons.approvers(stage.data)
    monkeypatch.setattr(comparisons, "approvers", lambda data: dict.fromkeys(digests, "curator"))
    assert "approved by curator" in page(stage.ann, worse)


def test_without_the_champions_evaluation_it_can_be_ordered(
    stage: Stage, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.champion.evaluations.all().delete()
    assert "Ask what serves the same questions" in page(stage.ann, version)
    sent: list[Any] = []
    monkeypatch.setattr(current_app, "send_task", lambda *args, **kwargs: sent.append(kwargs))
    logged_in(stage.ann).post(address("measure_champion", version))
    assert sent[0]["kwargs"]["artifact"] == stage.champion.artifact


def test_an_evaluation_whose_process_was_killed_can_be_ordered_again(
    stage: Stage, version: ModelVersion
) -> None:
    stage.champion.evaluations.all().delete()
    dead = EvaluationFactory(artifact=stage.champion.artifact, dataset_version=stage.data)
    html = page(stage.ann, version)
    assert "is being asked the same questions" in html
    assert "Ask what serves the same questions" not in html

    begun = timezone.now() - timedelta(hours=2, minutes=1)
    Evaluation.objects.filter(pk=dead.pk).update(created_at=begun)

    html = page(stage.ann, version)
    assert "is being asked the same questions" not in html
    assert "Ask what serves the same questions" in html


def test_promoting_and_rolling_back(stage: Stage, version: ModelVersion) -> None:
    client = logged_in(stage.ann)
    answer = client.post(address("promote", version), follow=True)
    assert "goes live now" in answer.content.decode()
    assert active(stage).artifact == version.artifact
    assert "Serve this again" in answer.content.decode()

    answer = client.post(
        address("roll_back", stage.bot), {"to": 1, "from": version.pk}, follow=True
    )
    assert "serves again" in answer.content.decode()
    assert active(stage).artifact == stage.champion.artifact


def test_looking_changes_nothing(stage: Stage, version: ModelVersion) -> None:
    client = logged_in(stage.ann)
    for name in ("promote", "ask_override", "agree_override", "withdraw_override"):
        client.get(address(name, version))
    client.get(address("roll_back", stage.bot))
    assert active(stage) == stage.serving
    assert not Promotion.objects.exists()


def test_two_people_pass_a_closed_gate(stage: Stage, worse: ModelVersion) -> None:
    ann, ben = logged_in(stage.ann), logged_in(stage.ben)
    answer = ann.post(address("ask_override", worse), {"reason": "short"}, follow=True)
    assert "10 to 500" in answer.content.decode()
    assert ">short</textarea>" in answer.content.decode()
    ann.post(address("ask_override", worse), {"reason": REASON})
    asked = promoting.open_request(worse, stage.bot)
    assert asked is not None
    assert "Agree, and promote" not in page(stage.ann, worse)
    assert "Agree, and promote" not in page(stage.starter, worse)
    assert "Agree, and promote" in page(stage.ben, worse)

    ben.post(address("agree_override", worse), {"request": "another"})
    assert active(stage) == stage.serving
    ann.post(address("agree_override", worse), {"request": asked.public_id})
    assert active(stage) == stage.serving
    ben.post(address("agree_override", worse), {"request": asked.public_id})
    assert active(stage).artifact == worse.artifact
    assert REASON in page(stage.ben, worse)


def test_a_request_is_withdrawn(stage: Stage, worse: ModelVersion) -> None:
    ann = logged_in(stage.ann)
    ann.post(address("ask_override", worse), {"reason": REASON})
    ann.post(address("withdraw_override", worse))
    assert promoting.open_request(worse, stage.bot) is None


def test_strangers_learn_nothing(stage: Stage, version: ModelVersion, client: Client) -> None:
    """Nobody, staff without permission, and staff of another bot."""
    names = (
        "promotion", "promote", "measure_champion", "ask_override", "agree_override",
        "withdraw_override",
    )  # fmt: skip
    pages = [
        *(address(name, version) for name in names),
        *(address(name, stage.bot) for name in ("roll_back", "fleet")),
    ]
    assert {client.post(each).status_code for each in pages} == {302}
    plain = logged_in(UserFactory())
    assert {plain.post(each).status_code for each in pages} <= {403, 404}
    other = candidates.person("eve", stage.bot, "view_modelversion", "promote_modelversion",
                              "roll_back_deployment")  # fmt: skip
    assert {logged_in(other).post(each).status_code for each in pages} == {404}
    missing = address("promotion", version).replace(f"/{version.pk}/", "/999999/")
    assert logged_in(other).get(missing).status_code == 404
    assert active(stage) == stage.serving


def test_a_grant_on_the_bot_is_enough(stage: Stage, version: ModelVersion) -> None:
    eve = candidates.person("eve", stage.bot, "view_modelversion")
    BotGrant.objects.create(
        user=eve,
        permission=Permission.objects.get(codename="work_on_bot"),
        content_object=stage.bot,
    )
    html = page(eve, version)
    assert "You may not promote models of this bot." in html
    assert "Questions and answers are for people" in html
    assert "Question 30?" not in html


def report(stage: Stage, **fields: Any) -> RunnerReport:
    facts = {
        "runner": "one.1", "host": "shelf-1", "pid": 7, "bot": stage.bot, "state": "serving",
        "serving": stage.serving, "wanted": stage.serving, "seen_at": timezone.now(),
    }  # fmt: skip
    made: RunnerReport = RunnerReport.objects.create(**{**facts, **fields})
    return made


def test_the_fleet_says_what_each_runner_serves(stage: Stage, version: ModelVersion) -> None:
    report(stage)
    report(stage, runner="two.2", host="shelf-2", state="failed", error="model.onnx is damaged.")
    report(
        stage,
        runner="three.3",
        host="shelf-3",
        seen_at=timezone.now() - timedelta(minutes=2),
    )
    html = logged_in(stage.ann).get(address("fleet", stage.bot)).content.decode()
    assert "1 of 3 runners serve what is wanted." in html
    assert "model.onnx is damaged." in html
    assert "silent" in html
    assert "<html" not in html


def test_the_list_names_candidate_and_champion(stage: Stage, version: ModelVersion) -> None:
    html = logged_in(stage.ann).get(reverse("admin:training_modelversion_changelist"))
    assert "champion" in html.content.decode()
    assert "candidate" in html.content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_asks_no_more_for_a_longer_history(
    stage: Stage, version: ModelVersion, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        report(stage, runner=f"runner.{number}")
        promoting.roll_back(stage.bot, stage.ann, to=_other(stage))
    client = logged_in(stage.ann)
    with django_assert_max_num_queries(45):
        assert client.get(address("promotion", version)).status_code == 200


def _other(stage: Stage) -> Deployment:
    serving = active(stage)
    if (before := deployments_before(serving).first()) is not None:
        return before
    made: Deployment = stage.bot.deployments.create(version=serving.version + 1, engine="echo")
    return made


def test_what_is_asked_of_a_bot_is_chosen_and_recorded(stage: Stage) -> None:
    client = logged_in(stage.ann)
    url = reverse("admin:training_gatepolicy_add")
    wrong = {"bot": stage.bot.pk, **_limits(accuracy_tolerance=2)}
    assert client.post(url, wrong).status_code == 200
    assert client.post(url, {"bot": stage.bot.pk, **_limits(p99_seconds=1.5)}).status_code == 302
    assert GatePolicy.objects.get().limits.p99_seconds == 1.5
    assert '"p99_seconds":1.5' in AuditEntry.objects.get(action="gate.policy_changed").facts


def _limits(**changed: Any) -> dict[str, Any]:
    limits = {name: getattr(GatePolicy(), name) for name in GatePolicy().limits.__slots__}
    return {**limits, **changed}

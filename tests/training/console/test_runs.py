"""The pages of training runs: what they show, what they start and stop, and to whom."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from chat.inference import artifacts
from tests.factories import (
    DatasetVersionFactory,
    EvaluationFactory,
    ModelVersionFactory,
    TrainingRunFactory,
)
from training import places
from training.console import curves, words
from training.models import DatasetVersion, TrainingRun
from training.planner import Calibration
from training.presentation import note_data, point_data
from training.progress import NOTED, Point, Reported
from training.services import measuring_requests, planning, runs
from training.services.ordering import Order, make_order
from training.services.runs import Claim
from training.trainer import recipe

pytestmark = pytest.mark.django_db

LIST, PAGE = "training_trainingrun_changelist", "training_trainingrun_change"
NEW, START, MEASURE = "training_new_run", "training_start_run", "training_measure_run"
CANCEL, RESUME = "training_cancel_run", "training_resume_run"
PLAN = {"training_minutes": 10.0, "minutes": 20.0, "memory_bytes": 2**31, "steps": 9}


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture
def version() -> DatasetVersion:
    """A version, and a base model that holds nothing."""
    with artifacts.building(artifacts.base_folder(_models(), "tiny")) as folder:
        (folder / "model.safetensors").write_bytes(b"x" * 1000)
        artifacts.seal(folder, artifacts.Facts("tiny", "safetensors", "tiny", "fp32", "test:"))
    return DatasetVersionFactory()


def _models() -> Path:
    from django.conf import settings

    return Path(settings.MODELS_DIR)


def url(name: str, *arguments: Any) -> str:
    return reverse(f"admin:{name}", args=arguments)


def staff(client: Client, *permissions: str) -> Client:
    user = User.objects.create_user("ann", password="x" * 12, is_staff=True)
    codenames = (*permissions, "work_on_all_bots")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def claimed(**fields: Any) -> Claim:
    run = TrainingRunFactory(plan=PLAN, **fields)
    claim = runs.claim(device=run.device, owner="trainer", only=run)
    assert claim is not None
    return claim


def training(**fields: Any) -> Claim:
    """A run in the middle of its training."""
    claim = claimed(**fields)
    runs.set_stage(claim, TrainingRun.Stage.TRAINING)
    points = [Point(1, 1.0, loss=2.0, learning_rate=0.01), Point(2, 2.0, heldout_loss=1.25)]
    newest = {"step": 4, "total_steps": 8, "loss": 0.5, "memory_bytes": 3 * 2**29}
    notes = [("loaded", {"trainable": 12345}), ("checkpoint", {"step": 2})]
    runs.report(claim, Reported(points, notes, newest, share=0.5, seconds_left=300.0))
    return claim


def choice(version: DatasetVersion, **fields: Any) -> dict[str, Any]:
    return {"dataset_version": version.pk, "recipe": "tiny_test", "seed": 3, **fields}


def measured(order: Order, memory: int = 10) -> None:
    """As if a few steps had been taken."""
    places.calibrations_folder().mkdir(parents=True)
    planning._keep(planning._counts_place(order), {"examples": 8, "tokens": 700})
    planning._keep(
        planning._speed_place(order), asdict(Calibration(10.0, memory, load_seconds=1.0))
    )


# To whom


def test_every_page_is_closed_to_staff_without_the_right(
    client: Client, version: DatasetVersion
) -> None:
    run = TrainingRunFactory()
    closed = [
        url(LIST), url(PAGE, run.pk), url(NEW), url(START), url(MEASURE), url(CANCEL, run.pk),
        url(RESUME, run.pk), url("training_modelversion_changelist"),
    ]  # fmt: skip

    assert {client.post(page, choice(version)).status_code for page in closed} == {302}
    staff(client)
    assert {client.get(page).status_code for page in closed} == {403}
    assert {client.post(page, choice(version)).status_code for page in closed} == {403}
    run.refresh_from_db()
    assert (run.status, TrainingRun.objects.count()) == ("queued", 1)


def test_those_who_may_look_change_nothing(client: Client, version: DatasetVersion) -> None:
    run = training().run
    staff(client, "view_trainingrun")

    page = client.get(url(PAGE, run.pk)).text
    assert "Cancel this run" not in page
    assert "New training" not in client.get(url(LIST)).text
    assert client.post(url(CANCEL, run.pk)).status_code == 403
    assert client.post(url(RESUME, run.pk)).status_code == 403
    assert client.post(url(START), choice(version)).status_code == 403
    assert client.post(url("training_trainingrun_delete", run.pk)).status_code == 403


# All of them


def test_the_list_is_empty_at_first(admin_client: Client) -> None:
    assert "New training" in admin_client.get(url(LIST)).text


def test_the_list_shows_how_far_each_is(admin_client: Client) -> None:
    done = claimed()
    EvaluationFactory(run=done.run, status="finished", figures={"accuracy": {"rate": 0.962}})
    runs.finish(done)
    training()
    TrainingRunFactory(plan=PLAN)

    page = admin_client.get(url(LIST)).text
    assert "96.2 %" in page
    assert 'value="100" class="is-succeeded"' in page
    assert 'class="is-running"' in page
    assert "0 / ≈ 20" in page


def test_the_list_asks_no_more_for_more_rows(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    counts = []
    for rows in (1, 2):
        for _ in range(rows):
            done = claimed()
            EvaluationFactory(run=done.run, status="finished")
            ModelVersionFactory(run=done.run)
            runs.finish(done)
        for where in (LIST, "training_modelversion_changelist"):
            with django_assert_max_num_queries(10) as asked:
                assert admin_client.get(url(where)).status_code == 200
            counts.append(len(asked))
    assert counts[:2] == counts[2:]


# One of them


def test_a_running_one_is_shown_whole_without_a_script(admin_client: Client) -> None:
    page = admin_client.get(url(PAGE, training().run.pk)).text

    assert 'class="tr-status is-running"' in page
    assert '<li data-stage="preparing" class="is-done">' in page
    assert '<li data-stage="training" class="is-now" aria-current="step">' in page
    assert "about 15 min left" in page
    assert 'points="125.0,0.0"' in page
    assert "1.2500" in page
    assert "1.5 GB" in page
    assert "Model loaded: 12,345 weights" in page
    assert "Checkpoint at step 2." in page
    assert "Cancel this run" in page


def test_a_waiting_one_says_how_many_come_first(admin_client: Client) -> None:
    first, second = TrainingRunFactory(), TrainingRunFactory()

    assert "next in line" in admin_client.get(url(PAGE, first.pk)).text
    page = admin_client.get(url(PAGE, second.pk)).text
    assert "1 run comes first" in page
    assert "The curves begin with the first steps" in page


@pytest.mark.parametrize("code", [*words.FAILURES, "something_new"])
def test_a_failed_one_says_what_to_do(admin_client: Client, code: str) -> None:
    claim = training()
    runs.fail(claim, code, "<b>Killed</b>")

    page = admin_client.get(url(PAGE, claim.run.pk)).text
    assert str(words.FAILURES.get(code, words.FAILURES["other"])) in page
    assert "&lt;b&gt;Killed&lt;/b&gt;" in page
    assert '<li data-stage="training" class="is-stopped">' in page
    assert "Continue from the last checkpoint" in page
    assert "Cancel this run" not in page


def test_a_finished_one_leads_to_what_came_out(admin_client: Client) -> None:
    claim = training()
    model = ModelVersionFactory(run=claim.run)
    evaluation = EvaluationFactory(run=claim.run, status="finished")
    runs.finish(claim)

    page = admin_client.get(url(PAGE, claim.run.pk)).text
    for name, row in (("evaluation", evaluation), ("modelversion", model)):
        assert url(f"training_{name}_change", row.pk) in page
    version = claim.run.dataset_version_id
    assert url("training_datasetversion_change", version) in page
    assert admin_client.get(url("training_modelversion_change", model.pk)).status_code == 200


def test_a_run_is_cancelled_and_continued(client: Client) -> None:
    waiting, running = TrainingRunFactory(device="cuda"), training().run
    staff(client, "view_trainingrun", "cancel_trainingrun", "add_trainingrun")

    assert client.get(url(CANCEL, running.pk)).status_code == 302
    running.refresh_from_db()
    assert not running.cancel_requested
    for run in (waiting, running):
        assert "is being cancelled." in client.post(url(CANCEL, run.pk), follow=True).text
        run.refresh_from_db()
    assert (waiting.status, running.cancel_requested) == ("cancelled", True)
    assert "over already" in client.post(url(CANCEL, waiting.pk), follow=True).text

    assert "in line again" in client.post(url(RESUME, waiting.pk), follow=True).text
    assert "Only what failed" in client.post(url(RESUME, waiting.pk), follow=True).text
    assert client.post(url(RESUME, 999)).status_code == 404


def test_every_line_of_a_story_has_words() -> None:
    assert set(NOTED.values()) <= set(words.NOTES)
    note: Any = {"kind": "loaded", "detail": {}, "created_at": ""}
    assert words.note_text(note) == "Model loaded:  weights learn in  steps,  tokens."
    note["kind"] = "unheard_of"
    assert words.note_text(note) == "unheard_of"


@pytest.mark.parametrize(
    ("detail", "english", "chinese"),
    [
        ({"examples": 1200, "hard": 5, "unknown": 3},
         "1,200 examples prepared, 5 of them hard, 3 out of scope.",
         "已准备 1,200 个样本，其中难例 5 个，超出范围 3 个。"),
        ({"examples": 30, "answers": 20, "questions": 1234},
         "30 lists of questions prepared: 1,234 questions of 20 answers.",
         "已准备 30 份问题列表：20 个答案的 1,234 个问题。"),
    ],
)  # fmt: skip
def test_what_was_prepared_is_told_by_what_it_is(
    detail: dict[str, int], english: str, chinese: str
) -> None:
    event = TrainingRunFactory().events.create(kind="prepared", detail=detail)
    assert words.note_text(note_data(event)) == english
    with translation.override("zh-hans"):
        assert words.note_text(note_data(event)) == chinese


def test_curves_end_at_a_round_number_and_begin_smoothly() -> None:
    claim = training()
    points = [point_data(each) for each in claim.run.metrics.all()]
    loss, rate, speed = curves.curves(points, 8)

    assert loss.up == ("2", "1.5", "1", "0.5", "0")
    assert loss.across == (0, 2, 4, 6, 8)
    assert [each.points for each in loss.series] == ["125.0,0.0", "250.0,375.0"]
    assert rate.up[0] == "0.01"
    assert speed.series[0].points == ""


# A new one


def test_every_recipe_is_described_in_chinese() -> None:
    with translation.override("zh-hans"):
        described = [gettext(recipe.load(name).description) for name in recipe.names()]

    assert all(any("\u4e00" <= char <= "\u9fff" for char in text) for text in described)


def test_without_a_frozen_version_there_is_nothing_to_learn(admin_client: Client) -> None:
    page = admin_client.get(url(NEW)).text
    assert "There is nothing to learn from yet" in page
    assert "Start training" not in page


def test_a_base_that_is_not_here_is_refused_in_words(
    admin_client: Client, version: DatasetVersion
) -> None:
    page = admin_client.get(url(NEW)).text
    assert "is not here: fetch it first" in page
    assert "Start training" not in page


def test_a_plan_that_was_never_measured_may_be_measured_or_started(
    admin_client: Client, version: DatasetVersion
) -> None:
    page = admin_client.get(url(NEW), choice(version)).text
    assert "Measure first" in page
    assert "Start training" in page
    assert "A few steps, for tests." in page


def test_a_measured_plan_is_shown(admin_client: Client, version: DatasetVersion) -> None:
    measured(make_order(version, "tiny_test", seed=3))

    page = admin_client.get(url(NEW), choice(version)).text
    assert "Measure first" not in page
    assert "≈ " in page
    assert ">700<" in page


def test_what_cannot_fit_is_refused_in_words_and_not_started(
    admin_client: Client, version: DatasetVersion
) -> None:
    measured(make_order(version, "tiny_test", seed=3), memory=2**50)

    page = admin_client.get(url(NEW), choice(version)).text
    assert "take smaller batches" in page
    assert "Start training" not in page
    page = admin_client.post(url(START), choice(version), follow=True).text
    assert "take smaller batches" in page
    assert not TrainingRun.objects.exists()


def test_a_training_is_started_as_it_was_chosen(
    client: Client, version: DatasetVersion, django_capture_on_commit_callbacks: Any
) -> None:
    staff(client, "view_trainingrun", "add_trainingrun")
    chosen = choice(version, epochs="2", batch_size="3", learning_rate="", examples="")
    page = client.post(url(START), chosen, follow=True)

    run = TrainingRun.objects.get()
    assert "The training is in line." in page.text
    assert (run.dataset_version, run.recipe_name, run.seed) == (version, "tiny_test", 3)
    assert run.overrides == {"optimisation.epochs": 2.0, "optimisation.batch_size": 3}
    assert run.recipe["optimisation"]["batch_size"] == 3
    assert run.created_by == User.objects.get()
    assert run.plan["examples"] == 8


@pytest.mark.parametrize(
    "wrong", [{"epochs": "-1"}, {"recipe": "none"}, {"dataset_version": 99}, {"seed": "x"}]
)
def test_nonsense_is_told_at_its_field(
    admin_client: Client, version: DatasetVersion, wrong: dict[str, Any]
) -> None:
    chosen = choice(version, **wrong)
    page = admin_client.post(url(START), chosen, follow=True).text
    assert 'class="kn-error"' in page
    assert "It appears once everything is chosen." in page
    assert not TrainingRun.objects.exists()


def test_measuring_is_left_to_the_trainer(admin_client: Client, version: DatasetVersion) -> None:
    order = make_order(version, "tiny_test", seed=3)
    page = admin_client.post(url(MEASURE), choice(version), follow=True).text

    assert "The trainer takes a few steps" in page
    assert 'http-equiv="refresh"' in page
    asked = measuring_requests.asked(order)
    assert asked is not None
    assert asked.is_open


def test_a_measurement_that_failed_is_told(admin_client: Client, version: DatasetVersion) -> None:
    # Nothing was ever written to the version's file.
    order = make_order(version, "tiny_test", seed=3)
    admin_client.post(url(MEASURE), choice(version))
    measuring_requests.answer(version.pk, "tiny_test", {}, 3, None)

    asked = measuring_requests.asked(order)
    assert asked is not None
    assert not asked.is_open
    page = admin_client.get(url(NEW), choice(version)).text
    assert "The few steps did not work" in page
    assert "Measure first" in page


def test_a_request_is_answered_once(version: DatasetVersion) -> None:
    measuring_requests.answer(version.pk, "tiny_test", {}, 3, None)

    assert measuring_requests.asked(make_order(version, "tiny_test", seed=3)) is None


def test_without_a_broker_it_is_said(
    admin_client: Client, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr("celery.current_app.send_task", away)
    page = admin_client.post(url(MEASURE), choice(version), follow=True).text
    assert "No trainer can be reached at the moment." in page
    assert "Measure first" in page

"""Real processes die at any moment; there is always exactly one finished run, published once.

``python -m benchmarks.training --only crashes`` does the same with a real, tiny model, more often.
"""

import random
import time
from datetime import timedelta

import psutil  # type: ignore[import-untyped]
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from chat.inference import artifacts
from tests.factories import TrainingRunFactory, frozen_version
from tests.services import wait_until
from tests.training import driven
from tests.training.services import bare
from training import places
from training.crash_points import POINTS, STATUS, VARIABLE
from training.models import Evaluation, ModelVersion, RunEvent, TrainingRun
from training.services import runs
from training.supervisor import Supervisor
from training.trainer import recipe

pytestmark = [
    pytest.mark.process,
    # Twenty processes, each of which imports torch.
    pytest.mark.timeout(360),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> TrainingRun:
    monkeypatch.setenv(driven.DATABASE, str(connection.settings_dict["NAME"]))
    monkeypatch.setattr(settings, "TRAINING_NICENESS", 0)
    made: TrainingRun = TrainingRunFactory(
        dataset_version=frozen_version(bare.ROWS),
        recipe=recipe.load("tiny_test", {"search.passes": 1.0}).as_dict(),
    )
    return made


def expire(run: TrainingRun) -> None:
    """As if the lease of a dead supervisor had ended, and nobody counted how often."""
    past = timezone.now() - timedelta(seconds=1)
    TrainingRun.objects.filter(pk=run.pk, status="running").update(lease_until=past)
    TrainingRun.objects.filter(pk=run.pk).update(failures=0)


def check_finished(run: TrainingRun) -> None:
    """One finished run, one model whose files are whole, one evaluation with every answer."""
    run.refresh_from_db()
    assert run.status == "succeeded", run.error
    (version,) = ModelVersion.objects.all()
    assert version.run == run
    served = settings.MODELS_DIR / "serving" / version.artifact
    artifacts.verify(served)
    artifacts.verify(places.weights_folder(version.weights))
    (evaluation,) = Evaluation.objects.all()
    assert (evaluation.status, evaluation.model_version) == ("finished", version)
    assert evaluation.answers.count() == 4
    assert RunEvent.objects.filter(run=run, kind="finished").count() == 1
    assert not [place for place in served.parent.iterdir() if "partial" in place.name]


def repeated_steps(run: TrainingRun) -> list[int]:
    """For each resume, how many steps before it are done again."""
    reached, repeated = 0, []
    for kind, detail in RunEvent.objects.filter(run=run).values_list("kind", "detail"):
        if kind == "checkpoint":
            reached = detail["step"]
        elif kind == "resumed":
            repeated.append(reached - detail["step"])
    return repeated


def work_until_it_crashes(point: str) -> None:
    """The supervisor is this process; a child of it dies at ``point``."""
    claim = runs.claim(device="cpu", owner="trainer-1")
    assert claim is not None
    Supervisor(claim, command=driven.command()).work()
    crashed = RunEvent.objects.filter(run=claim.run, kind="crashed").latest("id")
    assert crashed.detail == {"text": f"The process ended with code {STATUS}."}, point


@pytest.mark.parametrize(
    "points",
    [
        ("search.started", "trainer.checkpoint_written", "trainer.weights_sealed"),
        ("export.exported", "evaluation.answered", "publishing.moved", "publishing.recorded"),
    ],
    ids=["training", "publishing"],
)
def test_a_run_whose_processes_die_at_named_steps_is_finished_once(
    run: TrainingRun, points: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(points) <= set(POINTS)
    for point in points:
        monkeypatch.setenv(VARIABLE, point)
        work_until_it_crashes(point)
        assert ModelVersion.objects.count() == (point == "publishing.recorded")
        expire(run)
    monkeypatch.delenv(VARIABLE)

    claim = runs.claim(device="cpu", owner="trainer-1")
    assert claim is not None
    Supervisor(claim, command=driven.command()).work()
    check_finished(run)


def test_a_killed_supervisor_takes_its_children_along_and_the_next_one_finishes(
    run: TrainingRun,
) -> None:
    moments = random.Random(5)
    for _ in range(2):
        process = driven.start()
        wait_until(lambda: trains(run), "it trains", 60)
        time.sleep(moments.uniform(0, driven.STEPS * driven.STEP_SECONDS))
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        wait_until(lambda: not any(map(lives, children)), "its children ended", 10)  # noqa: B023
        expire(run)

    assert driven.start().wait(120) == 0
    check_finished(run)
    assert all(0 <= steps <= 1 for steps in repeated_steps(run))


def test_a_supervisor_that_dies_between_two_stages_is_followed_by_another(
    run: TrainingRun,
) -> None:
    assert driven.start(**{VARIABLE: "run.trained"}).wait(120) == STATUS
    assert not ModelVersion.objects.exists()
    expire(run)
    assert driven.start().wait(120) == 0
    check_finished(run)


def test_three_supervisors_train_one_run_once(run: TrainingRun) -> None:
    started = [driven.start() for _ in range(3)]
    assert [process.wait(120) for process in started] == [0, 0, 0]
    check_finished(run)
    assert run.attempts == 1


def trains(run: TrainingRun) -> bool:
    run.refresh_from_db()
    return run.stage == "training"


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

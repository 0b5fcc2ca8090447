"""One claimed run from its first stage to its end, with children that only pretend."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from chat.inference import artifacts
from tests.factories import TrainingRunFactory
from tests.services import wait_until
from tests.training import pretended
from training import places, stages, supervisor
from training.models import RunEvent, RunMetric, TrainingRun
from training.processes import folder_lock
from training.services import runs
from training.services.runs import Claim
from training.stages import Command
from training.supervisor import StopSignals, Supervisor

pytestmark = pytest.mark.django_db

STAGES = ["preparing", "search", "training", "exporting", "evaluating", "publishing"]


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(supervisor, "REPORT_SECONDS", 0.05)
    monkeypatch.setattr(settings, "TRAINING_NICENESS", 0)
    monkeypatch.setattr(places, "training_folder", lambda: tmp_path)


@pytest.fixture
def run() -> TrainingRun:
    return TrainingRunFactory()


def script(**tricks: str) -> Command:
    """Every stage by a child that pretends; ``tricks`` are what stages do instead of succeeding."""

    def command(claim: Claim, stage: TrainingRun.Stage, folder: Path) -> list[str]:
        trick = tricks.get(str(stage), "succeed")
        words = [str(folder), str(claim.fence), str(stage), trick]
        return [sys.executable, pretended.__file__, *words]

    return command


def claim_one() -> Claim:
    claim = runs.claim(device="cpu", owner="trainer-1")
    assert claim is not None
    return claim


def work(**tricks: str) -> TrainingRun:
    """Claim the run and work it until it is over or in line again."""
    claim = claim_one()
    Supervisor(claim, command=script(**tricks)).work()
    return TrainingRun.objects.get(pk=claim.run.pk)


def worked(run: TrainingRun) -> list[str]:
    """The stages whose process was started, in order."""
    text = (places.run_folder(run) / "worked.txt").read_text()
    return [line.split()[0] for line in text.splitlines()]


def children(run: TrainingRun) -> list[int]:
    text = (places.run_folder(run) / "worked.txt").read_text()
    return [int(line.split()[2]) for line in text.splitlines()]


def story(run: TrainingRun) -> list[str]:
    return list(RunEvent.objects.filter(run=run).values_list("kind", flat=True))


def meanwhile(run: TrainingRun, act: Callable[[], object]) -> threading.Thread:
    """Do something once the trainer of the run has begun."""

    def wait_and_act() -> None:
        wait_until((places.run_folder(run) / "progress.jsonl").exists, "it trains")
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def test_a_run_goes_through_its_stages_and_everything_it_said_is_stored(run: TrainingRun) -> None:
    done = work()

    assert (done.status, done.attempts, done.lease_until) == ("succeeded", 1, None)
    assert worked(run) == STAGES
    assert (done.step, done.total_steps, done.progress["peak_memory_bytes"]) == (4, 4, 10**8)
    assert list(RunMetric.objects.values_list("step", "loss", "heldout_loss")) == [
        (1, 3.0, 2.5),
        (4, None, None),
    ]
    assert story(run) == ["claimed", "loaded", "checkpoint", "trained", "finished"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_crashes_is_told_and_the_run_tried_again(run: TrainingRun, stage: str) -> None:
    crashed = work(**{stage: "crash"})

    assert (crashed.status, crashed.failures) == ("queued", 1)
    event = RunEvent.objects.get(run=run, kind="crashed")
    assert event.detail == {"text": "ValueError: no such thing"}

    assert work().status == "succeeded"


def test_out_of_memory_halves_the_batch_once(run: TrainingRun) -> None:
    assert work(training="oom").batch_divisor == 2
    failed = work(training="oom")
    assert (failed.status, failed.error_code, failed.attempts) == ("failed", "oom", 2)


def test_what_cannot_succeed_fails_at_once_with_its_reason(run: TrainingRun) -> None:
    failed = work(preparing="refuse")
    assert (failed.status, failed.error_code, failed.error) == (
        "failed",
        "damaged",
        "The dataset is damaged.",
    )
    assert worked(run) == ["preparing"]


def test_a_damaged_weights_folder_is_trained_again(run: TrainingRun) -> None:
    """The real command line passes training over only when whole weights stand there."""
    claim = claim_one()
    folder = places.run_folder(run)
    folder.mkdir(parents=True)
    with artifacts.building(folder / "weights") as partial:
        (partial / "model.safetensors").write_bytes(b"x" * 100)
        artifacts.seal(partial, artifacts.Facts("t", "safetensors", "t", "fp32", ""))
    assert stages.command(claim, TrainingRun.Stage.TRAINING, folder) is None

    (folder / "weights" / "model.safetensors").write_bytes(b"x" * 99 + b"y")
    command = stages.command(claim, TrainingRun.Stage.TRAINING, folder)
    assert command is not None
    assert command[1:] == ["-m", "training.trainer", str(folder)]
    assert (folder / "job.json").exists()


def test_examples_are_made_once_and_again_when_damaged(run: TrainingRun) -> None:
    claim, folder = claim_one(), places.run_folder(run)
    folder.mkdir(parents=True)
    for name in stages.EXAMPLES:
        (folder / name).write_text("{}\n")
    assert stages.command(claim, TrainingRun.Stage.PREPARING, folder)
    stages.seal_prepared(folder)
    assert stages.command(claim, TrainingRun.Stage.PREPARING, folder) is None

    (folder / "dev.jsonl").write_text("{}")
    assert stages.command(claim, TrainingRun.Stage.PREPARING, folder)


@pytest.mark.django_db(transaction=True)
def test_cancelling_ends_the_trainer_after_a_checkpoint(run: TrainingRun) -> None:
    thread = meanwhile(run, lambda: runs.request_cancel(run))
    cancelled = work(training="wait")
    thread.join()

    assert cancelled.status == "cancelled"
    assert "checkpoint" in story(run)
    assert not any(psutil.pid_exists(pid) for pid in children(run))


@pytest.mark.django_db(transaction=True)
def test_a_trainer_that_does_not_listen_is_killed(
    run: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.3)
    thread = meanwhile(run, lambda: runs.request_cancel(run))
    assert work(training="stuck").status == "cancelled"
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_stopped_supervisor_gives_the_run_back_with_a_checkpoint(run: TrainingRun) -> None:
    claim = claim_one()
    with StopSignals() as signals:
        thread = meanwhile(run, lambda: signal.raise_signal(signal.SIGTERM))
        began = time.monotonic()
        signals.work(Supervisor(claim, command=script(training="wait")))
        thread.join()

    assert signals.asked
    assert time.monotonic() - began < 10
    run.refresh_from_db()
    assert (run.status, run.failures) == ("queued", 0)
    assert story(run)[-2:] == ["checkpoint", "requeued"]


@pytest.mark.django_db(transaction=True)
def test_whoever_lost_the_lease_kills_its_trainer_and_writes_nothing(run: TrainingRun) -> None:
    def take_over() -> None:
        # Again if it renewed its lease in the same instant.
        while runs.claim(device="cpu", owner="trainer-2") is None:
            past = timezone.now() - timedelta(seconds=1)
            TrainingRun.objects.filter(pk=run.pk).update(lease_until=past)

    thread = meanwhile(run, take_over)
    work(training="wait")
    thread.join()

    run.refresh_from_db()
    assert (run.status, run.lease_owner, run.fence) == ("running", "trainer-2", 2)
    assert not any(psutil.pid_exists(pid) for pid in children(run))


def test_a_folder_that_is_still_worked_in_is_left_alone(
    run: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOCK_SECONDS", 0)
    folder = places.run_folder(run)
    folder.mkdir(parents=True)
    with folder_lock(folder):
        assert work().failures == 1
    assert work().status == "succeeded"


def test_children_give_way_to_customers(run: TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    group = Path("/proc/self/autogroup")
    if not group.exists():
        pytest.skip("this kernel shares the processor by niceness alone")
    monkeypatch.setattr(settings, "TRAINING_NICENESS", 19)
    seen: list[tuple[int, str]] = []

    def show(run: TrainingRun) -> None:
        pid = children(run)[-1]
        if psutil.pid_exists(pid):
            text = Path(f"/proc/{pid}/autogroup").read_text()
            seen.append((psutil.Process(pid).nice(), text.split()[-1]))
            supervised.stop()

    supervised = Supervisor(claim_one(), command=script(training="wait"), show=show)
    supervised.work()
    assert seen[0] == (19, "19")

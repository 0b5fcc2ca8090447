"""The queue of runs: one at a time on a device, settled once, whatever dies meanwhile."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.factories import BotFactory, DatasetVersionFactory, TrainingRunFactory
from training.failures import LostLease
from training.models import RunEvent, RunMetric, TrainingRun
from training.planner import Plan
from training.progress import Point, Reported
from training.services import runs
from training.services.ordering import Order
from training.services.runs import Claim, DoesNotFit, NotCancellable, NotResumable

pytestmark = pytest.mark.django_db

LOADED = Reported(notes=[("loaded", {"total_steps": 9})], newest={"total_steps": 9})


def claim_one(owner: str = "trainer-1") -> Claim:
    claim = runs.claim(device="cpu", owner=owner)
    assert claim is not None
    return claim


def expire(claim: Claim) -> None:
    past = timezone.now() - timedelta(seconds=1)
    TrainingRun.objects.filter(pk=claim.run.pk).update(lease_until=past)


def state(run: TrainingRun) -> tuple[str, str]:
    run.refresh_from_db()
    return run.status, run.error_code


def story(run: TrainingRun) -> list[str]:
    return list(RunEvent.objects.filter(run=run).values_list("kind", flat=True))


def plan(*refusals: str) -> Plan:
    return Plan(
        examples=8,
        tokens=800,
        steps=2,
        search_minutes=0.0,
        training_minutes=1.0,
        minutes=2.0,
        memory_bytes=2**30,
        free_memory_bytes=2**31,
        disk_bytes=2**30,
        free_disk_bytes=2**31,
        refusals=refusals,
    )


def order(**fields: Any) -> Order:
    version = DatasetVersionFactory()
    return Order(
        bot=version.dataset.bot,
        dataset_version=version,
        recipe_name="tiny_test",
        recipe={"name": "tiny_test"},
        base="tiny",
        device="cpu",
        **fields,
    )


WRITES: dict[str, Callable[[Claim], object]] = {
    "renew": runs.renew,
    "report": lambda claim: runs.report(claim, LOADED),
    "set_stage": lambda claim: runs.set_stage(claim, TrainingRun.Stage.EXPORTING),
    "finish": runs.finish,
    "fail": lambda claim: runs.fail(claim, "refused", "No."),
    "crash": lambda claim: runs.crash(claim, "It died."),
    "run_out_of_memory": runs.run_out_of_memory,
    "requeue": runs.requeue,
    "cancel_claimed": runs.cancel_claimed,
    "is_cancelled": runs.is_cancelled,
    "hold": runs.hold,
}


def test_queueing_freezes_what_the_run_is_made_of_and_the_prediction() -> None:
    run = runs.queue(order(seed=5, overrides={"optimisation.epochs": 2}), plan())

    assert (run.status, run.seed, run.overrides) == ("queued", 5, {"optimisation.epochs": 2})
    assert run.plan["minutes"] == 2.0
    assert story(run) == ["queued"]


def test_what_cannot_fit_is_not_queued_and_told_why() -> None:
    with pytest.raises(DoesNotFit, match=r"needs 1024 MB of memory and 2048 MB are free"):
        runs.queue(order(), plan("memory"))
    assert not TrainingRun.objects.exists()


def test_runs_of_one_device_are_worked_one_after_the_other_oldest_first() -> None:
    first, second = TrainingRunFactory(), TrainingRunFactory()

    claim = claim_one()
    assert claim.run == first
    assert runs.claim(device="cpu", owner="trainer-2") is None

    runs.finish(claim)
    assert claim_one().run == second


def test_devices_do_not_wait_for_each_other() -> None:
    TrainingRunFactory()
    other = TrainingRunFactory(device="cuda")
    claim_one()

    claim = runs.claim(device="cuda", owner="trainer-2")
    assert claim is not None
    assert claim.run == other


def test_only_one_run_can_be_asked_for() -> None:
    TrainingRunFactory()
    mine = TrainingRunFactory()

    claim = runs.claim(device="cpu", owner="me", only=mine)
    assert claim is not None
    assert claim.run == mine


@pytest.mark.parametrize("write", WRITES)
def test_whoever_lost_the_lease_can_write_nothing(write: str) -> None:
    run = TrainingRunFactory()
    lost = claim_one()
    expire(lost)
    current = claim_one("trainer-2")
    run.refresh_from_db()
    before, told = vars(run).copy(), story(run)

    with pytest.raises(LostLease):
        WRITES[write](lost)

    run.refresh_from_db()
    ignored = {"_state", "_prefetched_objects_cache"}
    assert {k: v for k, v in vars(run).items() if k not in ignored} == {
        k: v for k, v in before.items() if k not in ignored
    }
    assert story(run) == told
    assert not RunMetric.objects.exists()
    WRITES[write](current)


@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_to_a_run_that_is_over(write: str) -> None:
    TrainingRunFactory()
    claim = claim_one()
    runs.finish(claim)

    with pytest.raises(LostLease):
        WRITES[write](claim)


def test_a_renewed_lease_is_not_taken_over() -> None:
    TrainingRunFactory()
    claim = claim_one()
    expire(claim)
    runs.renew(claim)

    assert runs.claim(device="cpu", owner="trainer-2") is None


def test_a_run_that_crashes_again_and_again_fails_for_good() -> None:
    run = TrainingRunFactory()
    for _ in range(runs.MAX_CRASHES - 1):
        runs.crash(claim_one(), "It died.")
        assert state(run) == ("queued", "")
    runs.crash(claim_one(), "It died.")

    assert state(run) == ("failed", "crashed")
    assert run.error == "It died."
    assert runs.claim(device="cpu", owner="trainer-1") is None


def test_silent_owners_count_as_crashes() -> None:
    run = TrainingRunFactory()
    for _ in range(runs.MAX_CRASHES):
        expire(claim_one())
    assert runs.claim(device="cpu", owner="trainer-1") is None
    assert state(run) == ("failed", "crashed")


def test_crashes_are_counted_anew_after_a_checkpoint() -> None:
    run = TrainingRunFactory()
    for step in range(runs.MAX_CRASHES * 2):
        claim = claim_one()
        runs.report(claim, Reported(notes=[("checkpoint", {"step": step})]))
        runs.crash(claim, "It died.")
    assert state(run) == ("queued", "")


def test_a_checkpoint_that_was_there_before_is_no_way_ahead() -> None:
    run = TrainingRunFactory()
    for _ in range(runs.MAX_CRASHES):
        claim = claim_one()
        runs.report(claim, Reported(notes=[("checkpoint", {"step": 4})]))
        runs.crash(claim, "The disk is full.")
    assert state(run) == ("failed", "crashed")


def test_out_of_memory_is_tried_once_more_with_half_the_batch() -> None:
    run = TrainingRunFactory()
    runs.run_out_of_memory(claim_one())
    assert state(run) == ("queued", "")
    assert run.batch_divisor == 2

    runs.run_out_of_memory(claim_one())
    assert state(run) == ("failed", "oom")
    assert run.failures == 0


def test_giving_back_counts_as_nothing() -> None:
    run = TrainingRunFactory()
    for _ in range(runs.MAX_CRASHES * 2):
        runs.requeue(claim_one())
    assert state(run) == ("queued", "")
    assert (run.failures, run.attempts) == (0, runs.MAX_CRASHES * 2)


def test_cancelling_what_waits_is_done_at_once() -> None:
    run = TrainingRunFactory()
    runs.request_cancel(run)
    assert state(run) == ("cancelled", "")
    with pytest.raises(NotCancellable):
        runs.request_cancel(run)


def test_cancelling_what_runs_is_told_to_whoever_works_on_it() -> None:
    run = TrainingRunFactory()
    claim = claim_one()
    assert not runs.is_cancelled(claim)

    runs.request_cancel(run)
    assert runs.is_cancelled(claim)
    runs.cancel_claimed(claim)

    assert state(run) == ("cancelled", "")


def test_cancelling_reaches_a_run_whose_owner_died() -> None:
    run = TrainingRunFactory()
    expire(claim_one())
    runs.request_cancel(run)
    runs.claim(device="cpu", owner="trainer-2")
    assert state(run) == ("cancelled", "")


def test_failed_runs_can_be_taken_up_again() -> None:
    run = TrainingRunFactory()
    with pytest.raises(NotResumable):
        runs.resume(run)
    runs.fail(claim_one(), "refused", "No.")

    runs.resume(run)

    assert state(run) == ("queued", "")
    assert claim_one().fence == 2


def test_reports_are_stored_and_repeated_steps_replace_what_was_said() -> None:
    run = TrainingRunFactory()
    claim = claim_one()
    first = Reported(
        points=[Point(1, 1.0, loss=3.0), Point(1, 1.0, heldout_loss=2.5)],
        newest={"step": 1, "total_steps": 4, "loss": 3.0},
        share=0.25,
        seconds_left=3.0,
    )
    runs.report(claim, first)
    runs.report(claim, Reported(points=[Point(1, 1.5, loss=2.0)]))

    run.refresh_from_db()
    assert (run.step, run.total_steps, run.stage_share) == (1, 4, 0.25)
    assert run.progress["loss"] == 3.0
    assert RunMetric.objects.values_list("step", "loss", "heldout_loss", "seconds").get() == (
        1,
        2.0,
        2.5,
        1.5,
    )


def test_changes_are_announced_to_whoever_watches(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "training.services.announcing.group_send",
        lambda group, kind, fields: heard.append((group, fields["frame"]["type"])),
    )
    run = TrainingRunFactory()
    with django_capture_on_commit_callbacks(execute=True):
        claim = claim_one()
        runs.report(claim, Reported(points=[Point(1, 1.0, loss=3.0)]))
        runs.finish(claim)

    group = f"training_run.{run.public_id.hex}"
    expected = ["run.noted", "run.changed", "run.measured", "run.noted", "run.changed"]
    assert heard == [(group, kind) for kind in expected]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("waiting", [1, 3])
def test_trainers_that_claim_at_once_get_one_run_between_them(waiting: int) -> None:
    version = DatasetVersionFactory(dataset__bot=BotFactory())
    TrainingRunFactory.create_batch(waiting, dataset_version=version)
    barrier = threading.Barrier(6)
    claimed: list[Claim | None] = []

    def take(number: int) -> None:
        barrier.wait()
        try:
            claimed.append(runs.claim(device="cpu", owner=f"trainer-{number}"))
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([claim for claim in claimed if claim]) == 1
    assert TrainingRun.objects.filter(status="running").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_expired_run_is_recovered_once_by_those_who_notice_at_once() -> None:
    run = TrainingRunFactory()
    expire(claim_one())
    barrier = threading.Barrier(4)

    def recover() -> None:
        barrier.wait()
        try:
            runs.recover_expired(device="cpu")
        finally:
            connection.close()

    threads = [threading.Thread(target=recover) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    run.refresh_from_db()
    assert (run.status, run.failures) == ("queued", 1)
    assert story(run).count("crashed") == 1

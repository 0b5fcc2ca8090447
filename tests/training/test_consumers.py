"""The socket of a run's page: who may listen, and that they hear everything."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client

from chat import staff_socket
from tests.chat.sockets import ORIGIN, Socket
from tests.factories import TrainingRunFactory, UserFactory
from training import consumers, selectors
from training.models import TrainingRun
from training.progress import Point, Reported
from training.services import runs
from training.services.runs import Claim

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(transactional_db: None) -> TrainingRun:
    return TrainingRunFactory()


def logged_in(*permissions: str, **fields: Any) -> str:
    """The cookie of somebody with these rights."""
    user = UserFactory(**fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@pytest.fixture
def watcher(run: TrainingRun) -> str:
    return logged_in("view_trainingrun", "work_on_all_bots", username="ann")


def listening(run: TrainingRun, cookie: str, origin: bytes | None = ORIGIN) -> Socket:
    return Socket(origin, path=f"/ws/v1/training/{run.public_id}", cookie=cookie)


def claim(run: TrainingRun) -> Claim:
    claim = runs.claim(device="cpu", owner="trainer", only=run)
    assert claim is not None
    return claim


@database_sync_to_async
def done(action: Callable[..., Any], *arguments: Any) -> Any:
    return action(*arguments)


@pytest.mark.parametrize("origin", [None, b"null", b"https://evil.example"])
async def test_a_foreign_origin_is_refused(
    run: TrainingRun, watcher: str, origin: bytes | None
) -> None:
    async with listening(run, watcher, origin) as socket:
        assert await socket.close_code() == staff_socket.CLOSE_FORBIDDEN


@pytest.mark.parametrize(
    "stranger",
    [
        lambda: "",
        lambda: f"{settings.SESSION_COOKIE_NAME}=guess",
        lambda: logged_in("view_dataset"),
        lambda: logged_in("view_trainingrun", is_staff=False),
    ],
    ids=["anonymous", "guess", "staff without the right", "no staff"],
)
async def test_strangers_hear_nothing(run: TrainingRun, stranger: Callable[[], str]) -> None:
    cookie = await done(stranger)
    unknown = TrainingRun(public_id=uuid.uuid4())
    for each in (run, unknown):
        async with listening(each, cookie) as socket:
            assert await socket.close_code() == staff_socket.CLOSE_FORBIDDEN


async def test_an_unknown_run_is_gone(watcher: str) -> None:
    async with listening(TrainingRun(public_id=uuid.uuid4()), watcher) as socket:
        assert await socket.close_code() == staff_socket.CLOSE_GONE


async def test_a_run_for_another_bot_is_as_unknown(run: TrainingRun) -> None:
    cookie = await done(logged_in, "view_trainingrun")
    async with listening(run, cookie) as socket:
        assert await socket.close_code() == staff_socket.CLOSE_GONE


async def test_the_state_comes_first_then_what_happens(run: TrainingRun, watcher: str) -> None:
    claimed = await done(claim, run)
    before = Reported(
        points=[Point(1, 1.0, loss=2.0)], newest={"step": 1, "total_steps": 4}, share=0.25
    )
    await done(runs.set_stage, claimed, TrainingRun.Stage.TRAINING)
    await done(runs.report, claimed, before)
    async with listening(run, watcher) as socket:
        state = await socket.frame()
        after = Reported(
            points=[Point(2, 2.0, loss=1.0)],
            notes=[("checkpoint", {"step": 2})],
            newest={"step": 2, "total_steps": 4},
            share=0.5,
        )
        await done(runs.report, claimed, after)
        frames = [await socket.frame() for _ in range(2)]

    assert state["type"] == "run.state"
    assert (state["run"]["step"], state["run"]["stage"]) == (1, "training")
    assert [(p["step"], p["loss"]) for p in state["points"]] == [(1, 2.0)]
    assert [note["kind"] for note in state["notes"]] == ["claimed"]
    noted, measured = sorted(frames, key=lambda frame: frame["type"], reverse=True)
    assert (noted["note"]["kind"], noted["note"]["detail"]) == ("checkpoint", {"step": 2})
    assert [(p["step"], p["loss"]) for p in measured["points"]] == [(2, 1.0)]
    assert measured["run"]["stage_share"] == 0.5
    assert 0.25 < measured["run"]["share"] < 0.5


async def test_the_state_is_told_again_when_asked_but_not_all_the_time(
    run: TrainingRun, watcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(run, watcher) as socket:
        await socket.frame()
        await socket.send(text="{}")
        await socket.send(text="not even JSON")
        assert await socket.communicator.receive_nothing(0.2)
        monkeypatch.setattr(consumers, "STATE_SECONDS", 0)
        assert (await socket.ask("anything"))["type"] == "run.state"


async def test_a_lost_right_ends_it(
    run: TrainingRun, watcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_socket, "TRUST_SECONDS", 0.2)
    async with listening(run, watcher) as socket:
        await socket.frame()
        ann = await done(User.objects.get)
        await done(ann.user_permissions.clear)
        assert await socket.close_code() == staff_socket.CLOSE_FORBIDDEN


async def test_who_no_longer_may_asks_in_vain(run: TrainingRun, watcher: str) -> None:
    async with listening(run, watcher) as socket:
        await socket.frame()
        ann = await done(User.objects.get)
        await done(ann.user_permissions.clear)
        await socket.send(text="{}")
        assert await socket.close_code() == staff_socket.CLOSE_FORBIDDEN


async def test_logging_out_ends_it(
    run: TrainingRun, watcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_socket, "TRUST_SECONDS", 0.2)
    async with listening(run, watcher) as socket:
        await socket.frame()
        client = Client()
        client.cookies[settings.SESSION_COOKIE_NAME] = watcher.partition("=")[2]
        await done(client.logout)
        await done(runs.request_cancel, run)
        assert await socket.close_code() == staff_socket.CLOSE_FORBIDDEN


def test_long_curves_are_thinned_and_keep_what_was_held_out(run: TrainingRun) -> None:
    points = [Point(step, step, loss=1.0) for step in range(1, 2001)]
    points += [Point(step, step, heldout_loss=2.0) for step in (500, 501)]
    runs.report(claim(run), Reported(points=points))

    shown = selectors.run_state(run.pk)["points"]

    assert len(shown) <= selectors.SHOWN_POINTS + 3
    assert shown[-1]["step"] == 2000
    assert [p["step"] for p in shown if p["heldout_loss"] is not None] == [500, 501]
    assert [p["step"] for p in shown] == sorted({p["step"] for p in shown})

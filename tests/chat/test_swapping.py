"""Another model goes live while customers ask: nothing is lost, mixed, doubled or restarted."""

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.db import OperationalError

from chat import swapping
from chat.deployments import EngineShelf, spec_of
from chat.errand import Shelves
from chat.inference import artifacts
from chat.inference.artifacts import Facts
from chat.inference.engine import Engine, EngineError
from chat.inference.opening import EngineSpec
from chat.knowledge.matching import Match
from chat.libraries import LibraryShelf
from chat.models import Bot, Deployment, Message, QuestionVector, RunnerReport
from chat.runner import Runner
from chat.self_testing import QUESTIONS
from chat.services import deploying, reporting
from chat.services.deploying import Model
from tests.chat.scripted import ask, settled
from tests.chat.versioned import Opener, answer_of
from tests.factories import BotFactory, ConversationFactory, DeploymentFactory, approve
from tests.training.encoder import tiny

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.asynccontextmanager
async def swapping_runner(opener: Opener, seats: int = 8) -> AsyncIterator[Runner]:
    shelves = Shelves(EngineShelf(opener))
    await database_sync_to_async(swapping.open_deployed)(shelves)
    runner = Runner(shelves, seats=seats)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.stop()
        await asyncio.wait_for(task, 15)
        shelves.engines.close()


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not await database_sync_to_async(holds)():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.02)


def put(bot: Bot, artifact: str, engine: str = "echo") -> Deployment:
    """Deploy it, as whoever decides does."""
    before = Deployment.objects.filter(bot=bot, is_active=True).first()
    return deploying.deploy(bot, Model(artifact, engine=engine), replacing=before)


def report_of(bot: Bot) -> RunnerReport | None:
    return RunnerReport.objects.filter(bot=bot).select_related("serving", "wanted").first()


def state_is(bot: Bot, state: str) -> Callable[[], bool]:
    return lambda: getattr(report_of(bot), "state", None) == state


def serves(bot: Bot, deployment: Deployment) -> Callable[[], bool]:
    return lambda: getattr(report_of(bot), "serving_id", None) == deployment.pk


@pytest.fixture
def bot(transactional_db: None) -> Bot:
    bot: Bot = BotFactory(instructions={"en": "Be brief.", "zh-hans": "请简短。"})
    DeploymentFactory(bot=bot, version=1, artifact="v1")
    return bot


async def test_twenty_swaps_under_load_fail_lose_mix_and_double_nothing(bot: Bot) -> None:
    opener = Opener()
    replies: list[Message] = []
    is_over = asyncio.Event()

    async def customer() -> None:
        conversation = await database_sync_to_async(ConversationFactory)(bot=bot)
        for number in itertools.count():
            if is_over.is_set():
                return
            replies.append(await settled(await ask(conversation, f"Question {number}?")))

    async with swapping_runner(opener):
        customers = [asyncio.create_task(customer()) for _ in range(6)]
        for number in range(2, 22):
            deployment = await database_sync_to_async(put)(bot, f"v{number}")
            await until(serves(bot, deployment))
        is_over.set()
        await asyncio.gather(*customers)
        await until(lambda: opener.open == ["v21"])

    versions: dict[int | None, str] = dict(Deployment.objects.values_list("pk", "artifact"))
    assert len(replies) > 20
    assert Counter(reply.status for reply in replies) == {"sent": len(replies)}
    assert [reply.text for reply in replies] == [
        answer_of(versions[reply.deployment_id]) for reply in replies
    ]
    assert Message.objects.filter(role="assistant").count() == len(replies)
    assert len({reply.deployment_id for reply in replies}) > 1


async def test_an_answer_in_mid_sentence_keeps_its_version(bot: Bot) -> None:
    opener = Opener(pause=0.15)
    async with swapping_runner(opener):
        conversation = await database_sync_to_async(ConversationFactory)(bot=bot)
        reply = await ask(conversation)
        await until(lambda: Message.objects.get(pk=reply.pk).status == "generating")
        deployment = await database_sync_to_async(put)(bot, "v2")
        await until(serves(bot, deployment))
        assert (await settled(reply)).text == answer_of("v1")
        assert (await settled(await ask(conversation, "And?"))).text == answer_of("v2")


async def test_the_new_engine_is_warm_and_tried_before_a_customer_meets_it(bot: Bot) -> None:
    opener = Opener()
    async with swapping_runner(opener):
        deployment = await database_sync_to_async(put)(bot, "v2")
        await until(serves(bot, deployment))
    assert opener.engines[1].asked == ["?", "?", QUESTIONS["en"]]


@pytest.mark.parametrize(
    ("artifact", "error"), [("broken", "is damaged"), ("mute", "says nothing")]
)
async def test_what_cannot_be_served_is_not_and_the_fleet_says_why(
    bot: Bot, artifact: str, error: str
) -> None:
    opener = Opener()
    opener.damaged.add("broken")
    async with swapping_runner(opener):
        await database_sync_to_async(put)(bot, artifact)
        await until(state_is(bot, "failed"))
        report = await database_sync_to_async(report_of)(bot)
        assert report is not None
        assert report.serving is not None
        assert report.wanted is not None
        assert (report.serving.artifact, report.wanted.artifact) == ("v1", artifact)
        assert error in report.error
        conversation = await database_sync_to_async(ConversationFactory)(bot=bot)
        assert (await settled(await ask(conversation))).text == answer_of("v1")
        # Going back is the way out: what is served already is what is wanted then.
        back = await database_sync_to_async(put)(bot, "v1")
        await until(serves(bot, back))
        await until(state_is(bot, "serving"))


async def test_a_failed_load_is_tried_again(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swapping, "RETRY_SECONDS", 0.1)
    opener = Opener()
    opener.damaged.add("v2")
    async with swapping_runner(opener):
        deployment = await database_sync_to_async(put)(bot, "v2")
        await until(state_is(bot, "failed"))
        opener.damaged.clear()
        await until(serves(bot, deployment))


@pytest.mark.parametrize("artifact", ["v2", "mute"])
async def test_without_room_for_two_the_old_one_goes_first(
    bot: Bot, settings: Any, artifact: str
) -> None:
    settings.CHAT_SWAP = "drain"
    opener = Opener(pause=0.05)
    most: list[int] = []

    class Watched(Opener):
        def __call__(self, spec: EngineSpec) -> Engine:
            most.append(len(self.open) + 1)
            return super().__call__(spec)

    opener = Watched(pause=0.05)
    async with swapping_runner(opener, seats=2):
        conversations = [await database_sync_to_async(ConversationFactory)(bot=bot) for _ in "abc"]
        replies = [await ask(each) for each in conversations]
        await until(lambda: Message.objects.get(pk=replies[0].pk).status == "generating")
        await database_sync_to_async(put)(bot, artifact)
        await until(state_is(bot, "serving" if artifact == "v2" else "failed"))
        replies += [await ask(each, "And?") for each in conversations]
        said = [await settled(each) for each in replies]

    assert max(most) == 1
    assert {each.status for each in said} == {"sent"}
    last = "v2" if artifact == "v2" else "v1"
    assert [each.text for each in said[3:]] == [answer_of(last)] * 3


async def test_a_model_finds_with_the_search_that_it_brings(
    bot: Bot, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its first answer on; before and after it, others find with that of the installation."""
    settings.MODELS_DIR, settings.CHAT_EMBEDDER = tmp_path, "ngrams"
    for name in ("v2", "v3"):
        tiny.model(tmp_path / "serving" / name, has_search=name == "v2")
    await database_sync_to_async(approve)(bot, "aa bb", text="First.")

    def read_by(name: str) -> int:
        return QuestionVector.objects.filter(embedder__startswith=name).count()

    searched: list[str] = []

    def search(shelf: LibraryShelf, *given: Any) -> Match:
        searched.append(shelf.embedder.name.split("/")[0])
        return found(shelf, *given)

    found = LibraryShelf.search
    monkeypatch.setattr(LibraryShelf, "search", search)

    async with swapping_runner(Opener()) as runner:
        conversation = await database_sync_to_async(ConversationFactory)(bot=bot)
        await settled(await ask(conversation, "bab"))
        assert await database_sync_to_async(read_by)("tuned-tuned/") == 0
        deployment = await database_sync_to_async(put)(bot, "v2", "genai")
        await until(serves(bot, deployment))
        # Nobody has asked yet: the question and the answer are read already.
        assert await database_sync_to_async(read_by)("tuned-tuned/") == 2
        await settled(await ask(conversation, "b ab"))

        # What is approved meanwhile is read with it, too.
        await database_sync_to_async(approve)(bot, "yy zz", text="Second.")
        runner._hear({"type": "runner.knowledge", "bot": bot.pk})
        await until(lambda: read_by("tuned-tuned/") == 4)

        deployment = await database_sync_to_async(put)(bot, "v3", "genai")
        await until(serves(bot, deployment))
        await settled(await ask(conversation, "ab b"))
        assert runner.shelves.engines.searches() == []

    assert searched == ["character-ngrams-1024", "tuned-tuned", "character-ngrams-1024"]


async def test_a_database_that_is_away_while_a_model_reads_is_a_failed_load(
    bot: Bot, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old model goes on, and the new one is tried again after a pause."""
    settings.MODELS_DIR, settings.CHAT_SWAP = tmp_path, "drain"
    tiny.model(tmp_path / "serving" / "v2", has_search=True)

    def away(shelf: LibraryShelf, of: Bot) -> None:
        raise OperationalError("database is locked")

    async with swapping_runner(Opener()):
        monkeypatch.setattr(LibraryShelf, "open", away)
        await database_sync_to_async(put)(bot, "v2", "genai")
        await until(state_is(bot, "failed"))
        monkeypatch.undo()
        conversation = await database_sync_to_async(ConversationFactory)(bot=bot)
        assert (await settled(await ask(conversation))).text == answer_of("v1")


async def test_a_bot_that_is_switched_off_gives_its_memory_back(bot: Bot) -> None:
    opener = Opener()
    async with swapping_runner(opener):
        await database_sync_to_async(Bot.objects.filter(pk=bot.pk).update)(is_active=False)
        await until(lambda: not opener.open)


async def test_a_runner_that_stops_leaves_the_fleet(bot: Bot) -> None:
    async with swapping_runner(Opener()):
        await until(state_is(bot, "serving"))
    assert not await database_sync_to_async(reporting.fleet(bot).exists)()


def test_a_restart_serves_the_version_before_one_that_is_damaged(bot: Bot) -> None:
    put(bot, "v2")
    opener = Opener()
    opener.damaged.add("v2")
    shelf = EngineShelf(opener)
    swapping.open_deployed(Shelves(shelf))
    served = shelf.serving(bot.pk)
    assert served is not None
    assert served.deployment.artifact == "v1"


def test_nothing_that_can_be_served_ends_the_start(bot: Bot) -> None:
    opener = Opener()
    opener.damaged.add("v1")
    with pytest.raises(swapping.NothingToServe, match="damaged"):
        swapping.open_deployed(Shelves(EngineShelf(opener)))


def test_one_bot_that_cannot_be_served_does_not_stop_the_others(bot: Bot) -> None:
    DeploymentFactory(artifact="broken")
    opener = Opener()
    opener.damaged.add("broken")
    shelf = EngineShelf(opener)
    swapping.open_deployed(Shelves(shelf))
    assert shelf.bots() == [bot.pk]


def test_a_folder_that_was_sealed_again_is_not_what_was_approved(
    bot: Bot, settings: Any, tmp_path: Any
) -> None:
    """Who can write files can also write a manifest; the row remembers what it was."""
    settings.MODELS_DIR = tmp_path
    place = tmp_path / "serving" / "v2"
    place.mkdir(parents=True)
    (place / "weights").write_text("good")
    artifacts.seal(place, Facts("v2", "genai", "tiny", "int4", "test:"))
    approved = artifacts.digest(place)
    artifacts.verify(place, manifest_sha256=approved)
    (place / "weights").write_text("evil")
    artifacts.seal(place, Facts("v2", "genai", "tiny", "int4", "test:"))

    deployment = deploying.deploy(
        bot, Model("v2", "genai", approved), replacing=Deployment.objects.get()
    )
    with pytest.raises(EngineError, match="not the one that was approved"):
        EngineShelf().open(deployment)


@pytest.mark.parametrize(("free", "fits"), [(10**9, True), (10**8, False)])
def test_memory_decides_whether_two_fit(
    bot: Bot,
    settings: Any,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    free: int,
    fits: bool,
) -> None:
    settings.MODELS_DIR = tmp_path
    monkeypatch.setattr(swapping, "free_memory", lambda: free)
    place = tmp_path / "serving" / "v2"
    place.mkdir(parents=True)
    (place / "weights").write_bytes(b"0" * 1000)
    artifacts.seal(place, Facts("v2", "genai", "tiny", "int4", "test:"))
    deployment = DeploymentFactory.build(bot=bot, engine="genai", artifact="v2")
    assert spec_of(deployment).artifact == place
    assert swapping.fits_beside(deployment) is fits

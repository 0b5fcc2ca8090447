"""Engines are opened once, shared by equal deployments, and closed behind their last answer."""

import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pytest_django import Settings

from chat.deployments import EngineShelf, spec_of
from chat.inference.artifacts import ArtifactError
from chat.inference.engine import ChatMessage, Continuation, Engine, EngineError, GenerationParams
from chat.inference.opening import EngineSpec
from chat.services import deploying
from chat.services.deploying import Model
from tests.factories import DeploymentFactory
from tests.training.encoder import tiny

pytestmark = pytest.mark.django_db


class Recording:
    name, device, seats, context_length = "recording", "cpu", 1, 100

    def __init__(self) -> None:
        self.read: list[str] = []
        self.closed = False

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        return 1

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        self.read.append(messages[0]["content"])
        yield "."

    def likelihoods(self, request_id: str, continuations: Sequence[Continuation]) -> list[float]:
        raise EngineError("there is no model", code="cannot_weigh", retryable=False)

    def cancel(self, request_id: str) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Opener:
    def __init__(self) -> None:
        self.opened: list[tuple[EngineSpec, Recording]] = []

    @property
    def engines(self) -> list[Recording]:
        return [engine for _, engine in self.opened]

    def __call__(self, spec: EngineSpec) -> Engine:
        self.opened.append((spec, Recording()))
        return self.opened[-1][1]


def test_bots_with_equal_deployments_share_one_engine() -> None:
    opener = Opener()
    shelf = EngineShelf(opener)
    one, two, other = (DeploymentFactory(artifact=name) for name in ("a", "a", "b"))

    served = [shelf.for_bot(deployment.bot) for deployment in (one, two, other)]

    assert [s.deployment for s in served] == [one, two, other]
    assert served[0].engine is served[1].engine
    assert len(opener.opened) == 2
    shelf.close()
    assert all(engine.closed for _, engine in opener.opened)


def test_only_the_active_deployment_serves() -> None:
    deployment = DeploymentFactory(is_active=False)
    with pytest.raises(EngineError) as refused:
        EngineShelf(Opener()).for_bot(deployment.bot)
    assert (refused.value.code, refused.value.retryable) == ("no_model", False)


def test_a_damaged_artifact_is_an_engine_error() -> None:
    def refuse(spec: EngineSpec) -> Engine:
        raise ArtifactError("model.onnx is damaged")

    deployment = DeploymentFactory()
    with pytest.raises(EngineError, match="damaged"):
        EngineShelf(refuse).for_bot(deployment.bot)


def test_an_answer_ends_with_the_engine_it_began_with() -> None:
    opener = Opener()
    shelf = EngineShelf(opener)
    old = DeploymentFactory(artifact="a")
    answering = [shelf.take(old.bot), shelf.take(old.bot)]
    new = deploying.deploy(old.bot, Model("b"), replacing=old)
    shelf.switch(shelf.open(new))

    assert shelf.take(old.bot).deployment == new
    first, second = opener.engines
    shelf.give_back(answering[0])
    assert [first.closed, second.closed] == [False, False]
    shelf.give_back(answering[1])
    assert [first.closed, second.closed] == [True, False]


def test_what_was_opened_and_not_wanted_is_closed() -> None:
    opener = Opener()
    shelf = EngineShelf(opener)
    deployment = DeploymentFactory(artifact="a")
    shelf.discard(shelf.open(deployment))
    assert opener.engines[0].closed
    assert shelf.serving(deployment.bot_id) is None


def test_an_engine_that_another_bot_is_served_with_stays_open() -> None:
    opener = Opener()
    shelf = EngineShelf(opener)
    one, two = DeploymentFactory(artifact="a"), DeploymentFactory(artifact="a")
    for each in (one, two):
        shelf.for_bot(each.bot)
    shelf.drop(one.bot_id)
    assert not opener.engines[0].closed
    shelf.drop(two.bot_id)
    assert opener.engines[0].closed


def test_a_deployment_names_its_engine_or_leaves_it_to_the_settings() -> None:
    assert spec_of(DeploymentFactory(engine="openai")).engine == "openai"
    # The tests' setting.
    assert spec_of(DeploymentFactory(engine="auto")).engine == "echo"


def test_a_search_comes_and_goes_with_its_model(settings: Settings, tmp_path: Path) -> None:
    settings.MODELS_DIR = tmp_path
    for name in "ab":
        tiny.model(tmp_path / "serving" / name, has_search=name == "b")
    shelf = EngineShelf(Opener())
    plain = DeploymentFactory(artifact="a", engine="genai")
    tuned, too = (DeploymentFactory(artifact="b", engine="genai") for _ in range(2))

    assert shelf.for_bot(plain.bot).search is None
    search = shelf.for_bot(tuned.bot).search
    assert search is not None
    assert search.embedder.name.startswith("tuned-tuned/")
    assert shelf.for_bot(too.bot).search is search
    assert shelf.searches() == [search]

    shelf.drop(tuned.bot_id)
    assert shelf.searches() == [search]
    shelf.drop(too.bot_id)
    assert shelf.searches() == []
    # With all that it has read, and not when somebody collects garbage.
    held = weakref.ref(search)
    del search
    assert held() is None


def test_what_lies_where_nobody_checked_is_no_search(settings: Settings, tmp_path: Path) -> None:
    settings.MODELS_DIR = tmp_path
    tiny.model(tmp_path / "serving" / "a", has_search=True)
    for engine in ("echo", "openai"):
        deployment = DeploymentFactory(artifact="a", engine=engine)
        assert EngineShelf(Opener()).for_bot(deployment.bot).search is None


def test_a_model_whose_search_is_damaged_is_not_served(settings: Settings, tmp_path: Path) -> None:
    """Never with another one in silence: what it reads decides what it says."""
    settings.MODELS_DIR = tmp_path
    place = tiny.model(tmp_path / "serving" / "a", has_search=True)
    (place / "search" / "weights.q4").write_bytes(b"damaged")
    deployment = DeploymentFactory(artifact="a", engine="genai")
    opener = Opener()
    with pytest.raises(EngineError, match="damaged"):
        EngineShelf(opener).for_bot(deployment.bot)
    assert opener.engines[0].closed

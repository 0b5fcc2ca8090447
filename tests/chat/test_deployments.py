"""Engines are opened once, shared by equal deployments, and warm before the first customer."""

from collections.abc import Iterator, Sequence

import pytest

from chat.deployments import EngineShelf, spec_of
from chat.inference.artifacts import ArtifactError
from chat.inference.engine import ChatMessage, Engine, EngineError, GenerationParams
from chat.inference.opening import EngineSpec
from tests.factories import BotFactory, DeploymentFactory

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

    def cancel(self, request_id: str) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Opener:
    def __init__(self) -> None:
        self.opened: list[tuple[EngineSpec, Recording]] = []

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


def test_warming_up_reads_the_instructions_of_every_language() -> None:
    opener = Opener()
    DeploymentFactory(bot=BotFactory(instructions={"en": "Be brief.", "zh-hans": "请简短。"}))

    EngineShelf(opener).warm_up()

    assert opener.opened[0][1].read == ["Be brief.", "请简短。"]


def test_a_damaged_artifact_is_an_engine_error() -> None:
    def refuse(spec: EngineSpec) -> Engine:
        raise ArtifactError("model.onnx is damaged")

    DeploymentFactory()
    with pytest.raises(EngineError, match="damaged"):
        EngineShelf(refuse).warm_up()


def test_a_deployment_names_its_engine_or_leaves_it_to_the_settings() -> None:
    assert spec_of(DeploymentFactory(engine="openai")).engine == "openai"
    # The tests' setting.
    assert spec_of(DeploymentFactory(engine="auto")).engine == "echo"

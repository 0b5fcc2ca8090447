import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.inference import exporting
from chat.inference.engine import Engine
from chat.inference.opening import EngineSpec, open_engine
from tests.chat.inference import loopback, tiny

ENGINE_NAMES = ("echo", "openai", "genai", "onnx", "transformers")


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a sealed safetensors folder."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    with warnings.catch_warnings(action="ignore"):
        tiny.make_base(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_export(tiny_base: Path) -> Callable[[str, str], Path]:
    """Exports of the tiny model by format and precision, each made once."""

    def export(format: str, precision: str) -> Path:
        target = tiny_base.parent / f"tiny-{format}-{precision}"
        if not target.exists():
            # The libraries' own deprecations are not ours to fix.
            with warnings.catch_warnings(action="ignore"):
                exporting.export(tiny_base, target, format=format, precision=precision)
        return target

    return export


@pytest.fixture(scope="session")
def torch_model(tiny_base: Path) -> Any:
    """The tiny model as transformers loads it."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_base)


@pytest.fixture(scope="session")
def torch_likelihood(torch_model: Any) -> Callable[[list[int], list[int]], float]:
    """The log-probability that torch gives to tokens after a prompt, read in one pass."""
    import torch

    def likelihood(prompt: list[int], said: list[int]) -> float:
        with torch.inference_mode():
            logprobs = torch_model(torch.tensor([prompt + said])).logits[0].log_softmax(-1)
        return sum(
            float(logprobs[place - 1, token]) for place, token in enumerate(said, len(prompt))
        )

    return likelihood


@pytest.fixture(scope="session")
def torch_logprobs(torch_model: Any) -> Callable[[list[int], int], list[float]]:
    """The log-probabilities of so many tokens that torch chooses greedily after a prompt."""
    import torch

    def logprobs(prompt: list[int], count: int) -> list[float]:
        ids, found = torch.tensor([prompt]), []
        with torch.inference_mode():
            for _ in range(count):
                likeliest = torch_model(ids).logits[0, -1].log_softmax(-1).max(-1)
                found.append(float(likeliest.values))
                ids = torch.cat([ids, likeliest.indices.view(1, 1)], dim=1)
        return found

    return logprobs


@pytest.fixture(scope="session")
def server() -> Iterator[loopback._Server]:
    with loopback.server() as running:
        yield running


@pytest.fixture(scope="session")
def open_named(
    tiny_base: Path, tiny_export: Callable[[str, str], Path], server: loopback._Server
) -> Callable[[str], Engine]:
    """Opens the engine of a name, over the tiny model where it needs one."""

    def spec(name: str) -> EngineSpec:
        common: dict[str, Any] = {
            "engine": name,
            "device": "cpu",
            "threads": 1,
            "seats": 3,
            "context_length": 512,
        }
        if name == "echo":
            return EngineSpec(**common, echo_delay=0.003)
        if name == "openai":
            return EngineSpec(**common, openai_url=f"http://127.0.0.1:{server.server_port}/v1")
        if name == "transformers":
            return EngineSpec(**common, artifact=tiny_base)
        return EngineSpec(**common, artifact=tiny_export(name, "fp32"))

    def open_one(name: str) -> Engine:
        with warnings.catch_warnings(action="ignore"):
            return open_engine(spec(name))

    return open_one


@pytest.fixture(scope="session")
def engines(open_named: Callable[[str], Engine]) -> Iterator[dict[str, Engine]]:
    """Engines that were opened once and are used by many tests."""
    opened: dict[str, Engine] = {}
    yield opened
    for engine in opened.values():
        engine.close()


@pytest.fixture(params=ENGINE_NAMES)
def engine(
    request: pytest.FixtureRequest,
    open_named: Callable[[str], Engine],
    engines: dict[str, Engine],
) -> Engine:
    """Every engine in turn."""
    if request.param not in engines:
        engines[request.param] = open_named(request.param)
    return engines[request.param]

import time
from collections.abc import Iterator

import pytest

from chat.inference.engine import EngineError, GenerationParams
from chat.inference.openai import OpenAIEngine
from tests.chat.inference import loopback


@pytest.fixture
def engine(server: loopback._Server) -> Iterator[OpenAIEngine]:
    opened = OpenAIEngine(f"http://127.0.0.1:{server.server_port}/v1", seats=2)
    yield opened
    opened.close()


def ask(engine: OpenAIEngine, text: str) -> str:
    messages = [{"role": "user", "content": text}]
    return "".join(engine.stream("one", messages, GenerationParams()))  # type: ignore[arg-type]


def test_log_probabilities_are_those_of_the_server(engine: OpenAIEngine) -> None:
    told: list[float] = []
    messages = [{"role": "user", "content": "one two three"}]
    list(engine.stream("one", messages, GenerationParams(on_token=told.append)))  # type: ignore[arg-type]
    assert told == [0.0, -0.25, -0.5]


def test_server_without_log_probabilities_answers_all_the_same(server: loopback._Server) -> None:
    engine = OpenAIEngine(f"http://127.0.0.1:{server.server_port}/v1", model=loopback.UNSURE)
    told: list[float] = []
    messages = [{"role": "user", "content": "one two three four five six"}]
    deltas = engine.stream("one", messages, GenerationParams(on_token=told.append))  # type: ignore[arg-type]
    assert "".join(deltas) == messages[0]["content"]
    assert told == []
    engine.close()


def test_server_that_is_loading_may_be_asked_again(engine: OpenAIEngine) -> None:
    with pytest.raises(EngineError) as refusal:
        ask(engine, "fail")
    assert (refusal.value.code, refusal.value.retryable) == ("server_refused", True)


def test_absent_server_is_a_retryable_failure() -> None:
    engine = OpenAIEngine("http://127.0.0.1:9/v1")
    with pytest.raises(EngineError) as failure:
        ask(engine, "hello")
    engine.close()
    assert (failure.value.code, failure.value.retryable) == ("server_failed", True)


def test_address_must_be_one() -> None:
    with pytest.raises(EngineError, match=r"ending in /v1"):
        OpenAIEngine("")


def test_cancel_hangs_up_on_the_server(engine: OpenAIEngine, server: loopback._Server) -> None:
    messages = [{"role": "user", "content": "word " * 700}]
    stream = engine.stream("one", messages, GenerationParams(700))  # type: ignore[arg-type]
    next(stream)
    assert server.running == 1
    engine.cancel("one")
    assert list(stream) == []
    deadline = time.monotonic() + 1
    while server.running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.running == 0

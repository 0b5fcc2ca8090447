"""What every engine promises; see :class:`chat.inference.engine.Engine`."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from chat.inference.engine import ChatMessage, Choice, Engine, EngineError, GenerationParams
from chat.inference.tokenizer import ChatTokenizer

pytestmark = pytest.mark.filterwarnings("ignore")  # Of the model libraries.

QUESTION = "Where is my order 1234? 我的订单在哪里？ " + "Please look again for it. " * 8
LONG = GenerationParams(max_new_tokens=300, ignore_eos=True)
SHORT = GenerationParams(max_new_tokens=24)


def ask(text: str = QUESTION) -> list[ChatMessage]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


def answer(engine: Engine, request_id: str, text: str, params: GenerationParams = SHORT) -> str:
    return "".join(engine.stream(request_id, ask(text), params))


def assert_seats_free(engine: Engine) -> None:
    """As many answers as there are seats start at once."""
    streams = [engine.stream(f"free-{i}", ask(), LONG) for i in range(engine.seats)]
    try:
        assert all(next(stream) for stream in streams)
    finally:
        close_all(streams)


def close_all(streams: list[Iterator[str]]) -> None:
    for stream in streams:
        stream.close()  # type: ignore[attr-defined]


def test_deltas_are_whole_and_never_empty(engine: Engine) -> None:
    deltas = list(engine.stream("deltas", ask(), LONG))
    assert len(deltas) > 5
    assert all(deltas)
    assert "\ufffd" not in "".join(deltas)
    "".join(deltas).encode("utf-8")  # Fails for half a surrogate pair.


def test_greedy_answers_are_repeatable(engine: Engine) -> None:
    assert answer(engine, "one", QUESTION) == answer(engine, "two", QUESTION) != ""


def test_answer_is_no_longer_than_asked(engine: Engine) -> None:
    few = answer(engine, "few", QUESTION, GenerationParams(max_new_tokens=6))
    more = answer(engine, "more", QUESTION, GenerationParams(max_new_tokens=30))
    assert len(few) < len(more)


def test_sampling_follows_the_seed(engine: Engine) -> None:
    params = GenerationParams(max_new_tokens=16, temperature=0.9, top_p=0.95, seed=5)
    assert answer(engine, "one", QUESTION, params) == answer(engine, "two", QUESTION, params)


def test_every_token_is_told_before_its_text(engine: Engine) -> None:
    told: list[float] = []
    tellers: set[int] = set()

    def tell(logprob: float) -> None:
        told.append(logprob)
        tellers.add(threading.get_ident())

    params = GenerationParams(max_new_tokens=12, ignore_eos=True, on_token=tell)
    known = [len(told) for _ in engine.stream("told", ask(), params)]
    if engine.name == "echo":
        assert told == []  # Nothing chose its words.
        return
    assert len(told) == 12
    assert all(logprob <= 0 for logprob in told)
    assert all(count > deltas for deltas, count in enumerate(known))
    assert tellers == {threading.get_ident()}


@pytest.mark.parametrize("favoured", ["0", "2", "3"])
def test_answer_with_choices_is_the_likeliest_of_them(engine: Engine, favoured: str) -> None:
    told: list[float] = []
    choices = tuple(Choice(text, 500.0 * (text == favoured)) for text in "0123")
    params = GenerationParams(choices=choices, on_token=told.append)
    assert answer(engine, f"choice-{favoured}", QUESTION, params) == favoured
    # Among the choices it is nearly certain; the echo knows no probabilities.
    assert told == ([] if engine.name == "echo" else [pytest.approx(0, abs=1e-3)])


def test_choices_without_favour_are_told_apart_by_the_model(engine: Engine) -> None:
    told: list[float] = []
    params = GenerationParams(choices=tuple(map(Choice, "0123")), on_token=told.append)
    assert answer(engine, "choices", QUESTION, params) in set("0123")
    assert all(logprob <= 0 for logprob in told)


@pytest.mark.parametrize("name", ["genai", "onnx", "transformers"])
def test_choice_that_is_no_single_token_is_refused(
    name: str, open_named: Callable[[str], Engine]
) -> None:
    engine = open_named(name)
    params = GenerationParams(choices=(Choice("a long sentence"),))
    with pytest.raises(EngineError) as refused:
        answer(engine, "choice", QUESTION, params)
    assert refused.value.code == "no_choice"


def test_asking_for_probabilities_changes_no_answer(engine: Engine) -> None:
    params = GenerationParams(max_new_tokens=24, on_token=lambda _: None)
    assert answer(engine, "asked", QUESTION, params) == answer(engine, "unasked", QUESTION)


@pytest.mark.parametrize("name", ["genai", "onnx", "transformers"])
@pytest.mark.parametrize(
    # The second also takes the likeliest token each time, out of another distribution.
    ("temperature", "top_p"),
    [(0.0, 1.0), (3.0, 1e-6)],
)
def test_log_probabilities_are_those_of_torch(
    name: str,
    temperature: float,
    top_p: float,
    open_named: Callable[[str], Engine],
    torch_logprobs: Callable[[list[int], int], list[float]],
    tiny_base: Path,
) -> None:
    engine = open_named(name)
    questions = [QUESTION, "Hi", "我的订单在哪里？" * 4]
    told: list[list[float]] = [[] for _ in questions]

    def one(index: int) -> None:
        on_token = told[index].append
        params = GenerationParams(16, temperature, top_p, ignore_eos=True, on_token=on_token)
        answer(engine, f"told-{index}", questions[index], params)

    with ThreadPoolExecutor(len(questions)) as pool:
        list(pool.map(one, range(len(questions))))
    engine.close()
    for question, found in zip(questions, told, strict=True):
        prompt = ChatTokenizer(tiny_base).prompt_ids(ask(question))
        assert found == pytest.approx(torch_logprobs(prompt, 16), abs=1e-3)


def test_concurrent_answers_do_not_mix(engine: Engine) -> None:
    questions = [f"Question {i}: " + "where is it? " * (i + 3) for i in range(2 * engine.seats + 1)]
    alone = [answer(engine, f"alone-{i}", text) for i, text in enumerate(questions)]
    with ThreadPoolExecutor(len(questions)) as pool:
        jobs = [pool.submit(answer, engine, f"c-{i}", text) for i, text in enumerate(questions)]
        assert [job.result(timeout=30) for job in jobs] == alone
    assert len(set(alone)) == len(alone)


def test_cancel_ends_the_stream_and_frees_the_seat(engine: Engine) -> None:
    stream = engine.stream("cancelled", ask("the order " * 50), LONG)
    next(stream)
    engine.cancel("cancelled")
    assert len(list(stream)) < 20
    assert_seats_free(engine)


def test_cancel_wakes_a_stream_that_waits(engine: Engine) -> None:
    streams = [engine.stream(f"busy-{i}", ask(), LONG) for i in range(engine.seats)]
    for stream in streams:
        next(stream)
    waiting = ThreadPoolExecutor(1).submit(answer, engine, "waiting", QUESTION, LONG)
    deadline = time.monotonic() + 5
    while not waiting.done() and time.monotonic() < deadline:
        engine.cancel("waiting")
        time.sleep(0.01)
    close_all(streams)
    assert waiting.result(timeout=5) == ""


def test_cancelling_an_unknown_request_is_ignored(engine: Engine) -> None:
    engine.cancel("nobody")


def test_closing_the_iterator_ends_the_work(engine: Engine) -> None:
    for i in range(engine.seats + 2):
        stream = engine.stream(f"left-{i}", ask(), LONG)
        next(stream)
        stream.close()  # type: ignore[attr-defined]
    assert_seats_free(engine)


def test_prompt_that_does_not_fit_is_refused(engine: Engine) -> None:
    with pytest.raises(EngineError) as refusal:
        answer(engine, "long", "far too long " * 1000)
    assert (refusal.value.code, refusal.value.retryable) == ("prompt_too_long", False)
    assert_seats_free(engine)


def test_running_request_id_is_not_taken_twice(engine: Engine) -> None:
    stream = engine.stream("same", ask(), LONG)
    next(stream)
    with pytest.raises(EngineError) as refusal:
        answer(engine, "same", QUESTION)
    close_all([stream])
    assert refusal.value.code == "duplicate_request"


def test_longer_prompts_count_more_tokens(engine: Engine) -> None:
    assert 0 < engine.count_tokens(ask("short")) < engine.count_tokens(ask())


@pytest.mark.parametrize("name", ["echo", "openai", "genai", "onnx", "transformers"])
def test_close_ends_running_streams(name: str, open_named: Callable[[str], Engine]) -> None:
    engine = open_named(name)
    streams = [engine.stream(f"running-{i}", ask(), LONG) for i in range(engine.seats)]
    for stream in streams:
        next(stream)
    closing = threading.Timer(0.01, engine.close)
    closing.start()
    for stream in streams:
        # An answer that was complete before is no failure of close().
        with contextlib.suppress(EngineError):
            list(islice(stream, 10_000))
    closing.join(timeout=5)
    with pytest.raises(EngineError):
        answer(engine, "late", QUESTION)

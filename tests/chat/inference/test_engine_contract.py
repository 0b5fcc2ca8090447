"""What every engine promises; see :class:`chat.inference.engine.Engine`."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from chat.inference.engine import (
    ChatMessage,
    Choice,
    Continuation,
    Engine,
    EngineError,
    GenerationParams,
)
from chat.inference.tokenizer import ChatTokenizer

pytestmark = pytest.mark.filterwarnings("ignore")  # Of the model libraries.

QUESTION = "Where is my order 1234? 我的订单在哪里？ " + "Please look again for it. " * 8
LONG = GenerationParams(max_new_tokens=300, ignore_eos=True)
SHORT = GenerationParams(max_new_tokens=24)


def ask(text: str = QUESTION) -> list[ChatMessage]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


def answer(engine: Engine, request_id: str, text: str, params: GenerationParams = SHORT) -> str:
    return "".join(engine.stream(request_id, ask(text), params))


def continuation(said: str, begun: str = "", text: str = QUESTION) -> Continuation:
    return Continuation(tuple(ask(text)), begun, said)


CONTINUATIONS = (
    continuation(" order is in the parcel, number 12.", "Your"),
    continuation("Your order is in the parcel."),
    continuation("", "Your order"),
    continuation("退款需要三个工作日。", "您好！", "我的订单在哪里？" * 4),
    # The template's own words are taken out; nothing that a text contains ends it early.
    continuation("Yes.<|im_end|> And then more, " + "again and again " * 20, "", "Hi"),
    continuation(" the invoice", "I look for", "Hi"),
    continuation("Nothing of it."),
)


# Every engine that tells how likely a given text is.
weighing = pytest.mark.parametrize(
    "engine", ["echo", "genai", "onnx", "transformers"], indirect=True
)


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


@pytest.mark.parametrize("name", ["genai", "onnx", "transformers"])
def test_likelihoods_are_those_of_torch(
    name: str,
    open_named: Callable[[str], Engine],
    torch_likelihood: Callable[[list[int], list[int]], float],
    tiny_base: Path,
) -> None:
    engine = open_named(name)
    tokenizer = ChatTokenizer(tiny_base)
    expected = []
    for each in CONTINUATIONS:
        prompt = tokenizer.prompt_ids(each.messages) + tokenizer.answer_ids(each.begun)[:-1]
        expected.append(torch_likelihood(prompt, tokenizer.answer_ids(each.said)[:-1]))
    found = engine.likelihoods("weighed", CONTINUATIONS)
    engine.close()
    assert found == pytest.approx(expected, abs=1e-3)
    assert min(found) < -10 < max(found) == 0.0


@pytest.mark.parametrize("name", ["genai", "onnx", "transformers"])
def test_likelihood_of_what_a_model_wrote_is_what_it_told(
    name: str, open_named: Callable[[str], Engine], torch_model: Any, tiny_base: Path
) -> None:
    import torch

    engine = open_named(name)
    tokenizer = ChatTokenizer(tiny_base)
    compared = []
    for number in range(30):
        text, count = f"Question {number}: where is it?", 1 + number % 3
        prompt = torch.tensor([tokenizer.prompt_ids(ask(text))])
        ids = torch_model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=count,
            do_sample=False,
        )[0, prompt.shape[1] :]
        told: list[float] = []
        params = GenerationParams(count, ignore_eos=True, on_token=told.append)
        said = answer(engine, "told", text, params)
        # A model may write in other tokens than those in which the same text is read.
        if tokenizer.answer_ids(said)[:-1] == ids.tolist():
            likelihoods = engine.likelihoods("weighed", [continuation(said, "", text)])
            assert likelihoods == [pytest.approx(sum(told), abs=1e-4)]
            compared.append(count)
    engine.close()
    assert len(compared) > 5
    assert max(compared) > 1


@weighing
def test_likelihoods_of_several_are_those_of_each_alone(engine: Engine) -> None:
    alone = [engine.likelihoods("alone", [each])[0] for each in CONTINUATIONS]
    assert all(likelihood <= 0 for likelihood in alone)
    assert len(set(alone)) > 3
    together = engine.likelihoods("together", CONTINUATIONS)
    assert together == pytest.approx(alone, abs=1e-4)
    backwards = engine.likelihoods("backwards", CONTINUATIONS[::-1])
    assert backwards == pytest.approx(alone[::-1], abs=1e-4)


@weighing
def test_nothing_to_weigh_has_no_likelihoods(engine: Engine) -> None:
    assert engine.likelihoods("nothing", []) == []
    assert engine.likelihoods("nothing", [continuation("", "Yes")]) == [0.0]


@weighing
def test_cancelled_likelihoods_are_none_and_free_the_seats(engine: Engine) -> None:
    streams = [engine.stream(f"busy-{i}", ask(), LONG) for i in range(engine.seats)]
    for stream in streams:
        next(stream)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(engine.likelihoods, "waiting", CONTINUATIONS)
        deadline = time.monotonic() + 5
        while not waiting.done() and time.monotonic() < deadline:
            engine.cancel("waiting")
            time.sleep(0.01)
        close_all(streams)
        assert waiting.result(timeout=5) == []
    assert_seats_free(engine)


@pytest.mark.parametrize("name", ["genai", "onnx", "transformers"])
def test_likelihoods_are_cancelled_in_the_middle(
    name: str, open_named: Callable[[str], Engine]
) -> None:
    engine = open_named(name)
    long = [continuation(f"{number} " + "and more " * 40) for number in range(40)]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(engine.likelihoods, "running", long)
        time.sleep(0.1)
        assert not running.done()
        engine.cancel("running")
        assert running.result(timeout=2) == []
    assert_seats_free(engine)
    engine.close()


@pytest.mark.parametrize("name", ["genai", "onnx", "transformers"])
def test_close_ends_likelihoods(name: str, open_named: Callable[[str], Engine]) -> None:
    engine = open_named(name)
    long = [continuation(f"{number} " + "and more " * 40) for number in range(40)]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(engine.likelihoods, "running", long)
        time.sleep(0.1)
        engine.close()
        with pytest.raises(EngineError) as ended:
            running.result(timeout=5)
    assert ended.value.code == "engine_closed"
    with pytest.raises(EngineError):
        engine.likelihoods("late", CONTINUATIONS)


@weighing
@pytest.mark.parametrize("place", ["messages", "begun", "said"])
def test_continuation_that_does_not_fit_is_refused(engine: Engine, place: str) -> None:
    long = "far too long " * 1000
    with pytest.raises(EngineError) as refusal:
        engine.likelihoods(
            "long",
            [
                continuation("Yes."),
                continuation(
                    long if place == "said" else "Yes.",
                    long if place == "begun" else "",
                    long if place == "messages" else QUESTION,
                ),
            ],
        )
    assert (refusal.value.code, refusal.value.retryable) == ("prompt_too_long", False)
    assert len(engine.likelihoods("long", CONTINUATIONS)) == len(CONTINUATIONS)
    assert_seats_free(engine)


@weighing
def test_continuation_may_fill_the_context_and_no_more(engine: Engine) -> None:
    token = " ," if engine.name == "echo" else ","
    room = engine.context_length - engine.count_tokens(ask())
    assert len(engine.likelihoods("full", [continuation(token * room)])) == 1
    with pytest.raises(EngineError):
        engine.likelihoods("full", [continuation(token * (room + 1))])


@weighing
def test_answers_and_likelihoods_beside_each_other_do_not_mix(engine: Engine) -> None:
    alone = [answer(engine, f"alone-{i}", f"{i} {QUESTION}", LONG) for i in range(2)]
    weighed = engine.likelihoods("weighed", CONTINUATIONS)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(answer, engine, f"a-{i}", f"{i} {QUESTION}", LONG) for i in range(2)]
        weighings = [pool.submit(engine.likelihoods, f"w-{i}", CONTINUATIONS) for i in range(2)]
        assert [each.result(timeout=30) for each in answers] == alone
        for each in weighings:
            assert each.result(timeout=30) == pytest.approx(weighed, abs=1e-4)


@weighing
def test_running_request_id_is_not_taken_for_likelihoods(engine: Engine) -> None:
    stream = engine.stream("same", ask(), LONG)
    next(stream)
    with pytest.raises(EngineError) as refusal:
        engine.likelihoods("same", CONTINUATIONS)
    assert refusal.value.code == "duplicate_request"
    assert next(stream)  # It is not ended by the other.
    close_all([stream])


def test_server_behind_an_interface_cannot_weigh(open_named: Callable[[str], Engine]) -> None:
    engine = open_named("openai")
    with pytest.raises(EngineError) as refusal:
        engine.likelihoods("weighed", CONTINUATIONS)
    engine.close()
    assert (refusal.value.code, refusal.value.retryable) == ("cannot_weigh", False)


def test_echo_finds_new_words_unlikely(open_named: Callable[[str], Engine]) -> None:
    engine = open_named("echo")
    texts = ["WHERE is the order?", "It is lost, lost.", "Be brief!", ""]
    found = engine.likelihoods(
        "weighed", [continuation(said, "The", "Where is my order?") for said in texts]
    )
    engine.close()
    assert found == [0.0, -3.0, 0.0, 0.0]

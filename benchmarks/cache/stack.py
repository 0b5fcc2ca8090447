"""Ready answers through the whole product: socket in, full answer out, with real processes.

SQLite, the embedded Valkey, one web server and one runner; customers share the machine with them.
The engine repeats the question: no ready answer comes from it, and what it says shows by itself
whether it is right. Times are milliseconds from sending a question to its whole answer.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from benchmarks.cache.library import Remembering
from benchmarks.cache.matching import demo_library
from benchmarks.machine import Figure, figure, percentile
from benchmarks.place import Options
from chat import demo
from chat.knowledge.questions import leans_on_context
from tests.customer import Customer, Heard
from tests.services import Services, wait_until

ECHO_SECONDS = 0.05
"""Between two words of a generated answer."""
SHARED_QUESTION = "which bird woke the drummer of the marching band before sunrise"
# About nothing that the shop knows: no approved answer may come in between.
CACHED_QUESTIONS = (
    "which song do the whales sing when nobody listens",
    "was the first mayor of the village a sailor or a carpenter",
    "what would a penguin say about the new railway",
    "is there a story behind the old lighthouse on the hill",
    "who taught the astronauts how to play chess in winter",
    "do mountains dream when the fog rolls over the valley",
    "which of the planets has the loudest thunderstorms",
    "how did the pirates celebrate birthdays on the island",
)
# Every question gets its answer, however little is known about it, and is kept for the next.
PREPARE = """
from chat.models import Bot
Bot.objects.update(confidence_threshold=0)
print(Bot.objects.get().public_id)
"""


class Asker(Customer):
    """A customer whose answer may be there at once, already settled."""

    def hear(self, heard: Heard, frame: dict[str, Any], now: float) -> None:
        super().hear(heard, frame, now)
        message = frame.get("message", {})
        is_answer = message.get("role") in ("assistant", "notice")
        if frame["type"] == "message.created" and is_answer and message["status"] == "sent":
            heard.settled, heard.message = now, message


@contextlib.contextmanager
def product() -> Iterator[tuple[Services, str]]:
    """A running csbot with the demo shop's knowledge, and its bot's id."""
    open_doors = dict.fromkeys(
        (
            "CHAT_RATE_MESSAGES_PER_VISITOR",
            "CHAT_RATE_MESSAGES_PER_ADDRESS",
            "CHAT_RATE_VISITORS_PER_ADDRESS",
            "CHAT_RATE_SOCKETS_PER_ADDRESS",
        ),
        "1000000/minute",
    )
    with Services(
        CHAT_EMBEDDER="e5",
        CHAT_ECHO_DELAY_SECONDS=str(ECHO_SECONDS),
        CHAT_QUEUE_LIMIT="1000",
        **open_doors,
    ) as csbot:
        csbot.manage("seed_demo")
        csbot.manage("index_knowledge")
        bot = csbot.manage("shell", "--no-imports", "-c", PREPARE).strip()
        csbot.start("web", "runner")
        wait_until(lambda: "runner ready" in csbot.log("runner"), "the runner is ready", 60)
        yield csbot, bot


def measure(options: Options) -> list[Figure]:
    """All figures of the whole stack."""
    with product() as (csbot, bot):
        return asyncio.run(_measure(csbot.url, bot, options))


async def _measure(url: str, bot: str, options: Options) -> list[Figure]:
    curated = [each for draft in demo.knowledge("en") for each in draft.questions[:4]]
    await _keep_answers(url, bot)
    figures: list[Figure] = []
    for customers in (1, 8):
        for name, source, questions in (
            ("curated", "curated", curated),
            ("cached", "cache", CACHED_QUESTIONS),
        ):
            heard = await _gently(
                url,
                bot,
                questions,
                customers=customers,
                answers=options.scaled(150 if customers == 1 else 400),
            )
            assert {each.message["source"] for each in heard} == {source}, _sources(heard)
            title = f"stack: exact {name}, {customers} customers"
            figures += _times(title, heard, at_most=60)
    # What may lean on something said before is only served ready as a first question.
    clear = [each for each in curated if not leans_on_context(each)]
    figures += await _sustained(url, bot, clear, seconds=5 if options.is_quick else 12)
    figures += await _by_meaning(url, bot, answers=options.scaled(150))
    figures += await _same_second(url, bot, customers=100)
    return figures


@contextlib.asynccontextmanager
async def _customers(url: str, bot: str, count: int) -> AsyncIterator[list[Asker]]:
    customers = [Asker(url, bot) for _ in range(count)]
    try:
        # Not all at once: coming in is not what is measured.
        for each in customers:
            await each.come_in()
        yield customers
    finally:
        await asyncio.gather(*(each.leave() for each in customers), return_exceptions=True)


async def _keep_answers(url: str, bot: str) -> None:
    """Two visitors ask, apart in time, what shall be cached."""
    for _ in range(2):
        async with _customers(url, bot, len(CACHED_QUESTIONS)) as customers:
            for customer, question in zip(customers, CACHED_QUESTIONS, strict=True):
                heard = await customer.ask(question)
                assert heard.message["text"] == question, heard.message
        # What was shared a moment ago is handed out for ten seconds, and counts for nothing.
        await asyncio.sleep(11)


async def _gently(
    url: str, bot: str, questions: Sequence[str], *, customers: int, answers: int
) -> list[Heard]:
    """``answers`` first questions, each in a conversation of its own. One customer asks
    four times a second, each of several about once."""

    async def one(number: int) -> list[Heard]:
        pause = random.Random(number)
        shortest, longest = (0.1, 0.4) if customers == 1 else (0.5, 1.5)
        heard = []
        for place in range(number, answers, customers):
            async with _customers(url, bot, 1) as (customer,):
                await asyncio.sleep(pause.uniform(shortest, longest))
                heard.append(await customer.ask(questions[place % len(questions)]))
        return heard

    found = await asyncio.gather(*(one(number) for number in range(customers)))
    return [heard for each in found for heard in each]


async def _sustained(
    url: str, bot: str, questions: Sequence[str], *, seconds: float
) -> list[Figure]:
    """Answers per second when each of so many sockets asks again as soon as it has its answer.

    With fewer sockets each would send more than the twenty frames a second that are allowed.
    """
    figures = []
    for sockets in (32, 64, 128):
        numbers = itertools.count()
        async with _customers(url, bot, sockets) as customers:
            until = time.perf_counter() + seconds

            async def work(
                customer: Asker, *, until: float = until, numbers: Iterator[int] = numbers
            ) -> list[Heard]:
                heard = []
                while time.perf_counter() < until:
                    heard.append(await customer.ask(questions[next(numbers) % len(questions)]))
                return heard

            began = time.perf_counter()
            found = await asyncio.gather(*(work(each) for each in customers))
            elapsed = time.perf_counter() - began
        heard = [heard for each in found for heard in each]
        ready = [each for each in heard if each.message["source"] == "curated"]
        name = f"stack: sustained, {sockets} sockets"
        figures.append(figure(name, "answers/s", [len(ready) / elapsed], at_least=200))
        figures += _times(name, heard)
        figures.append(figure(f"{name}: not ready", "answers", [len(heard) - len(ready)]))
    return figures


async def _by_meaning(url: str, bot: str, *, answers: int) -> list[Figure]:
    """Wordings that nobody wrote down, and that are served by meaning, in both languages."""
    embedder = Remembering()
    figures = []
    for locale in ("en", "zh-hans"):
        library, _ = demo_library(locale, embedder)
        drafts = demo.knowledge(locale)
        known = {each for draft in drafts for each in draft.questions}
        others = [
            changed
            for draft in drafts
            for each in draft.questions
            if (changed := _reworded(each, locale)) not in known
        ]
        served = [each for each in others[:400] if library.ask(each).answer is not None]
        heard = await _gently(url, bot, served, customers=1, answers=answers)
        ready = [each for each in heard if each.message["source"] == "curated"]
        title = f"stack: by meaning, {locale}, 1 customer"
        figures += _times(title, ready, at_most=120)
        figures.append(figure(f"{title}: not ready", "answers", [len(heard) - len(ready)]))
    return figures


def _reworded(question: str, locale: str) -> str:
    """The same question, said a little more politely."""
    return f"请问一下，{question}" if locale == "zh-hans" else f"Hi there, {question}"


async def _same_second(url: str, bot: str, *, customers: int) -> list[Figure]:
    """So many customers ask one new question at once. A generated answer repeats it."""
    async with _customers(url, bot, customers) as all_of_them:
        heard = await asyncio.gather(*(each.ask(SHARED_QUESTION) for each in all_of_them))
    written = sum(each.message["source"] == "model" for each in heard)
    right = sum(each.message["text"] == SHARED_QUESTION for each in heard)
    name = f"stack: {customers} customers, one new question"
    return [
        figure(f"{name}: generations", "", [written], at_most=1),
        figure(f"{name}: right answers", "", [right], at_least=customers),
        figure(f"{name}: last answer", "s", [max(each.settled for each in heard)]),
    ]


def _sources(heard: Sequence[Heard]) -> dict[str, int]:
    sources = [each.message["source"] for each in heard]
    return {each: sources.count(each) for each in sources}


def _times(name: str, heard: Sequence[Heard], *, at_most: float | None = None) -> list[Figure]:
    values = [1000 * each.settled for each in heard]
    return [
        figure(f"{name}, P50", "ms", [percentile(values, 50)]),
        figure(f"{name}, P99", "ms", [percentile(values, 99)], at_most=at_most),
    ]

"""How long a look-up takes alone: 10,000 wordings in the database, and in memory up to 100,000.

The wordings are the demo shop's with numbers, their vectors random: what is measured depends on
how many there are, not on what they say. Times in milliseconds, of a process that does nothing
else; embedding is measured apart, because each question is embedded once.
"""

import gc
import hashlib
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.cache.library import Remembering
from benchmarks.machine import Figure, figure, percentile
from benchmarks.place import Options
from chat import demo, ready
from chat.knowledge.embedding import EmbedderSpec, Vectors, open_embedder, unit
from chat.knowledge.index import Index, Variant
from chat.knowledge.questions import normalized
from chat.libraries import LibraryShelf, Query
from chat.models import Bot, CuratedAnswer, Message, QuestionVariant
from chat.selectors import approved_answers
from chat.services import visitors
from chat.services.conversations import post_message
from tests.factories import DeploymentFactory

WORDINGS = 10_000
WORDINGS_AN_ANSWER = 12
DIMENSIONS = 384

T = TypeVar("T")


class Drawn:
    """An embedder that costs nothing: the same text always gets the same random vector."""

    name = "drawn"

    def embed(self, questions: Sequence[str]) -> Vectors:
        return np.stack([_drawn(each) for each in questions])


def measure(options: Options) -> list[Figure]:
    """All figures of looking up."""
    bot = _fill(options.scaled(WORDINGS))
    rounds = options.scaled(1000)
    return [
        *_exact(bot, rounds),
        *_semantic(bot, rounds),
        *_embedding(rounds),
        *_growth(options.scaled(10_000)),
        *_growth(options.scaled(100_000)),
    ]


def _drawn(text: str) -> Vectors:
    digest = hashlib.sha256(text.encode()).digest()
    draw = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    vector: Vectors = unit(draw.standard_normal((1, DIMENSIONS)))[0]
    return vector


def _wordings() -> Iterator[str]:
    questions = [each for draft in demo.knowledge("en") for each in draft.questions]
    for number in count(1):
        yield from (f"{question} {number}" for question in questions)


def _fill(wordings: int) -> Bot:
    """A bot that knows so many wordings, by the thousand as an import would write them."""
    bot: Bot = DeploymentFactory().bot
    texts = list(islice(_wordings(), wordings))
    answers = CuratedAnswer.objects.bulk_create(
        CuratedAnswer(bot=bot, key=f"answer-{number}", text=f"Answer {number}.", revision=1)
        for number in range(len(texts) // WORDINGS_AN_ANSWER + 1)
    )
    QuestionVariant.objects.bulk_create(
        [
            QuestionVariant(
                answer=answers[place // WORDINGS_AN_ANSWER],
                text=text,
                normalized=normalized(text),
                position=place % WORDINGS_AN_ANSWER,
            )
            for place, text in enumerate(texts)
        ],
        batch_size=1000,
    )
    return bot


def _exact(bot: Bot, rounds: int) -> list[Figure]:
    """Word for word, in the database: as part of an answer, and the query by itself."""
    visitor, _token = visitors.register_visitor(bot)
    wordings = QuestionVariant.objects.order_by("?").values_list("text", flat=True)
    asked = []
    for text in wordings[: min(rounds, 200)]:
        conversation = visitors.start_conversation(visitor, locale="en")
        message = post_message(conversation, text=text).message
        # As services find it: with its relations loaded.
        asked.append(Message.objects.select_related("conversation__bot").get(pk=message.pk))
    questions = [ready.asked(each) for each in asked]
    assert all(ready.word_for_word(each) for each in questions)
    name = f"exact, {QuestionVariant.objects.count()} wordings"
    alone = [
        _timed(
            lambda q=q: list(  # type: ignore[misc]
                approved_answers(bot).filter(locale="en", variants__normalized=q.key).distinct()[:2]
            )
        )
        for q in _repeated(questions, rounds)
    ]
    whole = [
        _timed(lambda q=q: ready.word_for_word(q))  # type: ignore[misc]
        for q in _repeated(questions, rounds)
    ]
    keys = [
        _timed(lambda m=m: ready.asked(m))  # type: ignore[misc]
        for m in _repeated(asked, rounds)
    ]
    return [
        *_times(f"{name}: one query", alone, at_most=1),
        *_times(f"{name}: answer read, disputes looked for", whole, at_most=1),
        *_times(f"{name}: normalised, place in the conversation looked for", keys),
    ]


def _semantic(bot: Bot, rounds: int) -> list[Figure]:
    """By meaning, as a runner searches, less the embedding of the question."""
    embedder = Remembering(Drawn())
    shelf = LibraryShelf(embedder)
    began = time.perf_counter()
    library = shelf.library(bot, "en")
    built = time.perf_counter() - began
    began = time.perf_counter()
    LibraryShelf(embedder).library(bot, "en")
    again = time.perf_counter() - began
    texts = [f"{text}?" for text in islice(_wordings(), 200)]
    # From here on it knows their vectors: to embed is to look in a dictionary.
    embedder.embed(texts)
    found = []
    for text in _repeated(texts, rounds):
        query = Query(text, library.version)
        found.append(_timed(lambda q=query: shelf.search(library, q)))  # type: ignore[misc]
    name = f"semantic, {len(library.index)} wordings"
    return [
        *_times(f"{name}: search without embedding", found, at_most=3),
        figure(f"{name}: library built, vectors new", "s", [built]),
        figure(f"{name}: library built from kept vectors", "s", [again]),
    ]


def _embedding(rounds: int) -> list[Figure]:
    embedder = open_embedder(EmbedderSpec(kind="e5"))
    figures = []
    for locale in ("en", "zh-hans"):
        questions = [each for draft in demo.knowledge(locale) for each in draft.questions]
        embedder.embed(questions[:5])
        seconds = [
            _timed(lambda q=q: embedder.embed([q]))  # type: ignore[misc]
            for q in questions[: max(20, rounds // 2)]
        ]
        figures += _times(f"e5, one question, {locale}", seconds)
    return figures


def _growth(wordings: int) -> list[Figure]:
    """An index of random vectors: what it takes to build, to keep, and to search."""
    draw = np.random.default_rng(1)
    vectors = unit(draw.standard_normal((wordings, DIMENSIONS), np.float32))
    variants = [Variant(place // WORDINGS_AN_ANSWER, f"q {place}") for place in range(wordings)]
    answers = dict(enumerate(vectors[::WORDINGS_AN_ANSWER]))
    gc.collect()
    before = _resident()
    began = time.perf_counter()
    index = Index(variants, vectors, answers, embedder="drawn")
    built = time.perf_counter() - began
    gc.collect()
    kept = _resident() - before
    seconds = [
        _timed(lambda v=vector: index.nearest(v, 5))  # type: ignore[misc]
        for vector in vectors[:: max(1, wordings // 200)]
    ]
    name = f"index, {wordings} wordings"
    return [
        figure(f"{name}: built", "s", [built]),
        figure(f"{name}: memory beside the vectors given", "MB", [kept / 1e6]),
        *_times(f"{name}: search", seconds),
    ]


def _repeated(things: Sequence[T], rounds: int) -> Iterator[T]:
    return (things[number % len(things)] for number in range(rounds))


def _times(name: str, seconds: list[float], *, at_most: float | None = None) -> list[Figure]:
    """Median and P99; the target, in milliseconds, is for P99."""
    values = [1000 * each for each in seconds]
    return [
        figure(f"{name}, P50", "ms", [percentile(values, 50)]),
        figure(f"{name}, P99", "ms", [percentile(values, 99)], at_most=at_most),
    ]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _resident() -> int:
    pages = int(Path(f"/proc/{os.getpid()}/statm").read_text().split()[1])
    return pages * resource.getpagesize()

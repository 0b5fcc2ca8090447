"""Personal data: how much is found, how much is masked in vain, how long it takes."""

import functools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.machine import Figure, figure, percentile
from benchmarks.moderation.samples import (
    CHECKSUMMED,
    Labelled,
    clean_questions,
    disguised,
    negatives,
    positives,
)
from moderation.current import RECOGNIZERS, built_in_policy
from moderation.findings import Direction, Family
from moderation.normalization import plain
from moderation.pipeline import find

Found = set[tuple[int, int, str]]
Finder = Callable[[str], Found]

# What the labels of the data sets are called here; others are out of scope.
KINDS = {
    "PERSON": "name", "person": "name", "NAME": "name", "STREET_ADDRESS": "address", "address": "address",
    "CREDIT_CARD": "card", "bank_card": "card", "credit_card": "card", "PHONE_NUMBER": "phone", "phone": "phone",
    "EMAIL_ADDRESS": "email", "email": "email", "IBAN_CODE": "iban", "US_SSN": "ssn", "ssn": "ssn", "IP_ADDRESS": "ip",
    "ip_address": "ip", "id_number": "id_number", "license_plate": "plate", "credit_code": "company_id", "qq": "qq",
    "wechat": "wechat", "passport": "passport", "mac_address": "device_id", "imei": "device_id",
}  # fmt: skip
NAMED = ("name", "address")
ADVERSARIAL = {
    "digits": "1234567890", "one digit": "1", "spaced digits": "1 ", "at signs": "a@", "letters": "a", "dots": "192.168.",
    "dashes": "1-", "marks": "e\u0301", "numerals": "一三", "regions": "省市区路号", "capitals": "Aa ", "capital": "A", "surnames": "王", "urls": "http://a:",
    "controls": "<|", "newlines": "1\n",
}  # fmt: skip


def ours(text: str) -> Found:
    policy = built_in_policy()
    return {
        (each.start, each.end, each.category)
        for each in find(text, policy, Direction.TRAINING)
        if each.family is Family.PERSONAL
    }


class Score:
    """Span-strict counts by kind."""

    def __init__(
        self, texts: Iterable[tuple[Labelled, frozenset[str] | None]], finder: Finder
    ) -> None:
        """Of each text: its spans, and the kinds that are labelled in it (None: all)."""
        self.right: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.wanted: Counter[str] = Counter()
        self.touched: Counter[str] = Counter()
        self.touching: Counter[str] = Counter()
        self.seconds: list[float] = []
        for sample, labelled in texts:
            begun = time.perf_counter()
            found = finder(sample.text)
            self.seconds.append(time.perf_counter() - begun)
            if labelled is not None:
                found = {each for each in found if each[2] in labelled}
            wanted = set(sample.spans)
            self.wanted.update(kind for *_, kind in wanted)
            self.found.update(kind for *_, kind in found)
            self.right.update(kind for *_, kind in wanted & found)
            self.touched.update(kind for *span, kind in wanted if _touches(span, kind, found))
            self.touching.update(kind for *span, kind in found if _touches(span, kind, wanted))

    def recall(self, kinds: Iterable[str]) -> float:
        return _ratio(self.right, self.wanted, kinds)

    def overlapping(self, kinds: Iterable[str]) -> float:
        """Recall when touching the span is enough."""
        return _ratio(self.touched, self.wanted, kinds)

    def precise_overlapping(self, kinds: Iterable[str]) -> float:
        """Precision when touching a span is enough."""
        return _ratio(self.touching, self.found, kinds)

    def precision(self, kinds: Iterable[str]) -> float:
        return _ratio(self.right, self.found, kinds)

    def f2(self, kinds: Iterable[str]) -> float:
        kinds = list(kinds)
        precision, recall = self.precision(kinds), self.recall(kinds)
        return 5 * precision * recall / (4 * precision + recall) if precision + recall else 0.0


def _touches(span: list[int], kind: str, others: Found) -> bool:
    start, end = span
    return any(a < end and start < b and other == kind for a, b, other in others)


def _ratio(part: Counter[str], whole: Counter[str], kinds: Iterable[str]) -> float:
    kinds = set(kinds)
    total = sum(count for kind, count in whole.items() if kind in kinds)
    return sum(count for kind, count in part.items() if kind in kinds) / total if total else 1.0


def own() -> list[Figure]:
    """On texts of our own, generated anew from a seed."""
    source = random.Random(7)
    clean = [(each, None) for each in positives(source, 40)]
    hard = [(each, None) for each in negatives(source, 110)]
    both = Score(clean + hard, ours)
    disguise = Score([(each, None) for each in disguised(source, 8)], ours)
    structured = set(both.wanted) | set(both.found) - set(NAMED)
    orders = sum(bool({k for *_, k in ours(each.text)} & {"phone"}) for each, _ in hard)
    return [
        figure(
            "own: spans", "spans", [both.wanted.total() + disguise.wanted.total()], at_least=2000
        ),
        figure("own: hard negatives", "texts", [len(hard)], at_least=2000),
        figure("own: checksummed, recall", "", [both.recall(CHECKSUMMED)], at_least=0.995),
        figure("own: checksummed, precision", "", [both.precision(CHECKSUMMED)], at_least=0.99),
        figure("own: structured, F2", "", [both.f2(structured)], at_least=0.95),
        figure("own: disguised, recall", "", [disguise.recall(disguise.wanted)], at_least=0.95),
        figure(
            "own: disguised, precision", "", [disguise.precision(disguise.found)], at_least=0.95
        ),
        figure("own: order numbers masked as phones", "texts", [orders], at_most=0),
    ]


def on_files(data: Path, finder: Finder = ours, who: str = "") -> list[Figure]:
    """On other people's labelled texts."""
    figures: list[Figure] = []
    for path in (
        data / "pii_en" / "presidio_synth.jsonl",
        data / "pii_zh" / "argus_fixtures.jsonl",
        data / "pii_zh" / "cluener_dev.jsonl",
    ):
        score = Score(_labelled(path), finder)
        name = f"{who}{path.stem}"
        kinds = set(score.wanted) - set(NAMED)
        structured = [
            figure(f"{name}: structured, precision", "", [score.precision(kinds)]),
            figure(f"{name}: structured, recall", "", [score.recall(kinds)]),
            figure(
                f"{name}: structured, F2", "", [score.f2(kinds)], at_least=None if who else 0.95
            ),
        ]
        figures += structured if kinds else []
        for kind in filter(score.wanted.__contains__, NAMED):
            figures += [
                figure(
                    f"{name}: {kind}, recall",
                    "",
                    [score.recall([kind])],
                    at_least=None if who else 0.85,
                ),
                figure(f"{name}: {kind}, recall of touched", "", [score.overlapping([kind])]),
                figure(
                    f"{name}: {kind}, precision of touching",
                    "",
                    [score.precise_overlapping([kind])],
                ),
                figure(
                    f"{name}: {kind}, precision",
                    "",
                    [score.precision([kind])],
                    at_least=None if who else 0.80,
                ),
            ]
        figures.append(
            figure(f"{name}: mean time", "ms", [1000 * sum(score.seconds) / len(score.seconds)])
        )
    return figures


def clean(data: Path) -> list[Figure]:
    """Real questions in which a name or an address is found: nearly all of it in vain."""
    texts = clean_questions(data)
    hits = sum(any(kind in NAMED for *_, kind in ours(text)) for text in texts)
    share = 100 * hits / len(texts)
    return [figure("clean questions with a name or an address found", "%", [share])]


def _labelled(path: Path) -> Iterable[tuple[Labelled, frozenset[str] | None]]:
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        spans = tuple(
            (each["start"], each["end"], KINDS[each["label"]])
            for each in row["spans"]
            if each["label"] in KINDS
        )
        checked = None
        if not row.get("complete", True):
            checked = frozenset({KINDS.get(row["checked_type"], "")})
        elif any(each["label"] not in KINDS for each in row["spans"]):
            checked = frozenset(kind for *_, kind in spans)
        yield Labelled(row["text"], spans), checked


def speed() -> list[Figure]:
    """Messages of 200 characters, and the worst texts of 100 KB."""
    source = random.Random(3)
    texts = [each.text for each in positives(source, 12)]
    messages = [" ".join(source.sample(texts, 8))[:200] for _ in range(2000)]
    for message in messages[:200]:
        ours(message)
    seconds = [_timed(functools.partial(ours, message)) for message in messages]
    slowest: list[float] = []
    growth: list[float] = []
    for piece in ADVERSARIAL.values():
        long = plain((piece * 102_400)[:102_400])
        short = plain((piece * 25_600)[:25_600])
        for recognizer in RECOGNIZERS:
            took = _timed(lambda: list(recognizer.find(long)))  # noqa: B023 - called at once
            slowest.append(took)
            if took > 0.01:
                growth.append(took / _timed(lambda: list(recognizer.find(short))))  # noqa: B023
    return [
        figure("200 characters, P99", "ms", [1000 * percentile(seconds, 99)], at_most=3),
        figure("200 characters, median", "ms", [1000 * percentile(seconds, 50)]),
        figure("100 KB, slowest recogniser and text", "ms", [1000 * max(slowest)], at_most=50),
        figure("100 KB over 25 KB, steepest growth", "x", [max(growth, default=4.0)], at_most=6),
    ]


def _timed(work: Callable[[], object]) -> float:
    # Of this thread: what else the machine does is not counted.
    begun = time.thread_time()
    work()
    return time.thread_time() - begun

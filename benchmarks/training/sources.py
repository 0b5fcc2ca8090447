"""Other people's questions, as files that ``import_dataset`` reads.

Questions of ``train`` are learned from, those of ``dev`` choose (precision, how sure to be) and,
when another split is asked, that split is the ``test`` of ours. Nothing else is imported.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cache.library import rows

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Conversations in one language; those of the split ``measured`` are asked."""

    slug: str
    locale: str
    measured: str
    rows: tuple[Row, ...]

    def write(self, place: Path) -> None:
        """JSONL with ``messages``."""
        lines = (json.dumps(each, ensure_ascii=False) for each in self.rows)
        place.write_text("\n".join(lines) + "\n", encoding="utf-8")


def bitext(data: Path, split: str) -> Source:
    """Bitext's customer support in English: 23 intents, one canonical answer each."""
    folder = data / "en_bitext_support"
    answers = {each["group"]: each["answer"] for each in rows(folder / "canonical_answers.jsonl")}
    licence = "CDLA-Sharing-1.0"
    made = _rows(rows(folder / "qa.jsonl"), answers, split, locale="en", licence=licence)
    return _source("bitext", "en", split, made)


def chatopera(data: Path, split: str) -> Source:
    """Chatopera's questions in Chinese, of the trade with most questions to choose by (房产). Those
    are very few: look at the interval."""
    folder = data / "zh_chatopera_faq"
    questions = rows(folder / "qa.jsonl")
    counts = Counter(each["domain"] for each in questions if each["split"] == "dev")
    trade = counts.most_common(1)[0][0]
    answers = {
        each["group"]: each["answer"]
        for each in rows(folder / "answers.jsonl")
        if each["domain"] == trade
    }
    own = [each for each in questions if each["domain"] == trade]
    made = _rows(own, answers, split, locale="zh-hans", licence="Apache-2.0")
    return _source("chatopera", "zh-hans", split, made)


def _rows(
    questions: Iterable[Row], answers: dict[str, str], split: str, *, locale: str, licence: str
) -> Iterator[Row]:
    for each in questions:
        if each["split"] in ("train", "dev", split):
            is_ours = each["split"] in ("train", "dev")
            yield {
                "messages": [
                    {"role": "user", "content": each["question"]},
                    {"role": "assistant", "content": answers[each["group"]]},
                ],
                "group": each["group"],
                "split": each["split"] if is_ours else "test",
                "locale": locale,
                "source": each["id"].partition("-")[0],
                "licence": licence,
            }


def _source(slug: str, locale: str, split: str, made: Iterator[Row]) -> Source:
    measured = split if split == "dev" else "test"
    found = tuple(made)
    if not any(each["split"] == measured for each in found):
        raise SystemExit(f"There are no questions of the split {split!r} for {slug}.")
    return Source(slug, locale, measured, found)

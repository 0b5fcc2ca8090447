"""How well the policy in force does on texts that somebody labelled."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.current import current_policy
from moderation.findings import Direction, Family
from moderation.pipeline import find


class Command(BaseCommand):
    help = (
        "Precision, recall and F2 of personal data on a JSONL file with one object a line: "
        '{"text": ..., "spans": [{"start": 0, "end": 11, "label": "phone"}, ...]}.'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="labels are the kinds of personal data")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        policy = current_policy()
        right: Counter[str] = Counter()
        found: Counter[str] = Counter()
        wanted: Counter[str] = Counter()
        for text, spans in _labelled(options["file"]):
            expected = {(start, end, label) for start, end, label in spans}
            actual = {
                (each.start, each.end, each.category)
                for each in find(text, policy, Direction.TRAINING)
                if each.family is Family.PERSONAL
            }
            wanted.update(label for _, _, label in expected)
            found.update(label for _, _, label in actual)
            right.update(label for _, _, label in expected & actual)
        rows = {
            label: _scores(right[label], found[label], wanted[label])
            for label in sorted(wanted | found)
        }
        rows["all"] = _scores(right.total(), found.total(), wanted.total())
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        self.stdout.write(
            f"{'kind':<14}{'labelled':>9}{'found':>7}{'precision':>11}{'recall':>8}{'F2':>7}"
        )
        for label, row in rows.items():
            self.stdout.write(
                f"{label:<14}{row['labelled']:>9.0f}{row['found']:>7.0f}"
                f"{row['precision']:>11.3f}{row['recall']:>8.3f}{row['f2']:>7.3f}"
            )


def _labelled(path: Path) -> list[tuple[str, list[tuple[int, int, str]]]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None
    texts = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            spans = [
                (int(e["start"]), int(e["end"]), str(e["label"]).lower()) for e in row["spans"]
            ]
            texts.append((str(row["text"]), spans))
        except (ValueError, KeyError, TypeError):
            raise CommandError(f"Line {number} is not an object with text and spans.") from None
    return texts


def _scores(right: int, found: int, wanted: int) -> dict[str, float]:
    precision = right / found if found else 1.0
    recall = right / wanted if wanted else 1.0
    total = 4 * precision + recall
    f2 = 5 * precision * recall / total if total else 0.0
    return {"labelled": wanted, "found": found, "precision": precision, "recall": recall, "f2": f2}

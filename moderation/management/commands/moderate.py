"""Check a text or a file against the policy in force, and say why."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.current import current_policy
from moderation.findings import Direction, Verdict
from moderation.pipeline import moderate


class Command(BaseCommand):
    help = "Moderate a text, or every line of a file (- for standard input). Stores nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text", nargs="?", help="the text; leave it out with --file")
        parser.add_argument(
            "--file", help="a UTF-8 file with one text a line; - reads standard input"
        )
        parser.add_argument(
            "--direction",
            choices=[each.value for each in Direction],
            default=Direction.INBOUND.value,
            help="whose text it is (default: inbound, a customer's)",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a text")

    def handle(self, *args: Any, **options: Any) -> None:
        policy = current_policy()
        direction = Direction(options["direction"])
        for text in _texts(options["text"], options["file"]):
            verdict = moderate(text, policy, direction)
            if options["json"]:
                self.stdout.write(json.dumps(_data(verdict), ensure_ascii=False))
                continue
            self.stdout.write(f"{verdict.action.value:<7} {verdict.text}")
            for each in verdict.findings:
                self.stdout.write(
                    f"        {each.start}-{each.end} {each.family}: {each.category} "
                    f"({each.rule}) -> {each.action.value}"
                )


def _texts(text: str | None, file: str | None) -> list[str]:
    if (text is None) == (file is None):
        raise CommandError("Give a text, or a file with --file.")
    if text is not None:
        return [text]
    try:
        content = sys.stdin.read() if file == "-" else Path(str(file)).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None
    return content.splitlines()


def _data(verdict: Verdict) -> dict[str, Any]:
    return {
        "action": verdict.action.value,
        "text": verdict.text,
        "findings": [
            {
                "start": each.start,
                "end": each.end,
                "family": each.family.value,
                "category": each.category,
                "rule": each.rule,
                "action": each.action.value,
                "score": each.score,
            }
            for each in verdict.findings
        ],
    }

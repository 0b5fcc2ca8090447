"""Add a word list to the draft."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.services import word_lists
from moderation.words.importing import ImportRefused, read

SHOWN_HITS = 20


class Command(BaseCommand):
    help = "Add a word list (txt or csv) to the draft, after a look at what it would hit."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="txt: a term a line; csv: term, category, kind")
        parser.add_argument(
            "--category", default="other", help="for terms that name none (default: other)"
        )
        parser.add_argument("--apply", action="store_true", help="add them; else only a preview")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            imported = read(path.read_bytes(), path.name, category=options["category"])
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error}") from None
        except ImportRefused as error:
            raise CommandError(str(error)) from None
        for problem in imported.problems:
            self.stderr.write(str(problem))
        preview = word_lists.preview(imported.words)
        self.stdout.write(
            f"{len(preview.new)} new terms, {preview.known} known. "
            f"{len(preview.hits)} of the new ones occur in {preview.messages} recent messages."
        )
        for term, count in preview.hits[:SHOWN_HITS]:
            self.stdout.write(f"  {count:>6}  {term}")
        if not options["apply"]:
            self.stdout.write("Nothing was changed. --apply adds them to the draft.")
            return
        added = word_lists.add(preview.new, by=None)
        self.stdout.write(f"{added} terms added to the draft. publish_words puts it in force.")

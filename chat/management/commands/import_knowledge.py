"""Approved answers from a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.knowledge import files
from chat.libraries import LibraryShelf
from chat.models import Bot
from chat.models.fields import LOCALES
from chat.services import importing
from chat.services.knowledge import InvalidAnswer

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Write the approved answers of a file (jsonl, json, csv), all or none. "
        "Answers whose key is known get a new version; none is deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="what export_knowledge writes")
        parser.add_argument("--bot", required=True, help="short name of the bot")
        parser.add_argument("--locale", required=True, choices=LOCALES)
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        bot = Bot.objects.filter(slug=options["bot"]).first()
        if bot is None:
            raise CommandError(f"There is no bot {options['bot']!r}.")
        try:
            contents = files.read(path.read_bytes(), path.name)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from None
        except files.FileRefused as error:
            raise CommandError(str(importing.FAULTS[error.fault])) from None
        plan = importing.plan(bot, options["locale"], contents, shelf=LibraryShelf())
        self._show(plan)
        if plan.problems:
            raise CommandError("Nothing was imported.")
        if options["dry_run"]:
            self.stdout.write("Nothing was changed.")
            return
        try:
            new, changed = importing.carry_out(bot, options["locale"], plan, author=None)
        except InvalidAnswer as error:
            raise CommandError(f"{error} Nothing was imported.") from None
        self.stdout.write(f"{new} answers written, {changed} changed.")

    def _show(self, plan: importing.Plan) -> None:
        self.stdout.write(
            f"{len(plan.new)} new, {len(plan.changed)} changed, {plan.unchanged} as they are."
        )
        for problem in plan.problems:
            self.stderr.write(f"line {problem.line}: {problem.text}")
        for each in plan.conflicts[:SHOWN]:
            self.stderr.write(f"conflict: {each.question!r} is near {each.known!r} ({each.answer})")
        if (more := len(plan.conflicts) - SHOWN) > 0:
            self.stderr.write(f"and {more} more conflicts")
        if not plan.is_thorough:
            self.stderr.write("Conflicts were looked for word for word only.")

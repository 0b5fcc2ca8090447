"""Approved answers as a file."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.knowledge import files
from chat.models import Bot
from chat.models.fields import LOCALES
from chat.services import importing


class Command(BaseCommand):
    help = "Print the approved answers of a bot in one language, for import_knowledge to read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bot", required=True, help="short name of the bot")
        parser.add_argument("--locale", required=True, choices=LOCALES)
        parser.add_argument("--format", choices=files.FORMATS, default="jsonl")

    def handle(self, *args: Any, **options: Any) -> None:
        bot = Bot.objects.filter(slug=options["bot"]).first()
        if bot is None:
            raise CommandError(f"There is no bot {options['bot']!r}.")
        entries = importing.exported(bot, options["locale"])
        lines = files.jsonl if options["format"] == "jsonl" else files.csv_lines
        for line in lines(entries):
            self.stdout.write(line, ending="")

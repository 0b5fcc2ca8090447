"""Look through conversations for what is worth learning."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.knowledge.embedding import EmbeddingError
from chat.models import Bot
from training.services.proposing import propose


class Command(BaseCommand):
    help = (
        "Propose answers of conversations of the last month for the review queue: those that did "
        "not help, were missing, that an agent gave, or that customers found helpful."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bot", metavar="SLUG", help="One bot alone.")

    def handle(self, *args: Any, **options: Any) -> None:
        bots = Bot.objects.filter(slug=options["bot"]) if options["bot"] else Bot.objects.all()
        if not bots:
            raise CommandError("There is no such bot.")
        try:
            for bot in bots:
                self.stdout.write(f"{bot.slug}: {propose(bot)} new proposals.")
        except EmbeddingError as error:
            raise CommandError(str(error)) from error

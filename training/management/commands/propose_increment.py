"""Choose what a bot learns next, for people to review."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.management.choosing import chosen_bot, chosen_person
from training.services import increment_decisions, increment_schedule
from training.services.increment_decisions import IncrementRefused


class Command(BaseCommand):
    help = (
        "Open a review batch with the proposals that are worth most, balanced over topics. Once it "
        "is decided, the increments command or the schedule trains from it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bot", help="its short name")
        parser.add_argument("--size", type=int, metavar="N", help="examples; default: the bot's")
        parser.add_argument("--by", metavar="USER", help="who wants it; default: nobody")

    def handle(self, *args: Any, **options: Any) -> None:
        bot = chosen_bot(options["bot"])
        by = chosen_person(options["by"]) if options["by"] else None
        if options["size"] is not None and options["size"] < 1:
            raise CommandError("The size is at least 1.")
        try:
            increment_decisions.look_again(bot)
            increment = increment_decisions.propose(
                bot, by=by, slot=increment_schedule.free_slot(bot), size=options["size"]
            )
        except IncrementRefused as error:
            raise CommandError(str(error)) from error
        count = increment.items.count()
        self.stdout.write(
            f"{increment}: {count} proposals to review, {increment.already} examples approved before."
        )
        self.stdout.write(
            "Review them in the console, then: manage.py increments close " + bot.slug
        )

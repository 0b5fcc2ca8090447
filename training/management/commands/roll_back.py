"""What served before serves again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.management.choosing import chosen_bot, chosen_person
from training.services import promoting


class Command(BaseCommand):
    help = "Serve a bot with what served it before, or with what deployment --to served."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bot", help="its short name")
        parser.add_argument("--by", required=True, metavar="USER", help="who decides")
        parser.add_argument("--to", type=int, metavar="N", help="version of the deployment")

    def handle(self, *args: Any, **options: Any) -> None:
        bot, by = chosen_bot(options["bot"]), chosen_person(options["by"])
        to = None
        if options["to"] is not None:
            to = bot.deployments.filter(version=options["to"]).first()
            if to is None:
                raise CommandError(f"There is no deployment {options['to']} of {bot.slug}.")
        try:
            promotion = promoting.roll_back(bot, by, to=to)
        except promoting.Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{bot.slug} is served with {promotion.deployment.artifact} from now on.")

"""A model goes live."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.management.choosing import bot_of, chosen_model, chosen_person
from training.management.commands.gates import gate_line
from training.services import promoting


class Command(BaseCommand):
    help = (
        "Put a model into service on behalf of a user with that permission, if all gates are open. "
        "With --override REASON another person is asked to agree to the closed ones; that person "
        "agrees on the promotion page, or here with --agree."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL:N", help="the candidate")
        parser.add_argument("--by", required=True, metavar="USER", help="who decides")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--override", metavar="REASON", help="ask for closed gates to be passed")
        how.add_argument("--agree", action="store_true", help="agree to what was asked")

    def handle(self, *args: Any, **options: Any) -> None:
        version, by = chosen_model(options["model"]), chosen_person(options["by"])
        bot = bot_of(version)
        try:
            if options["override"]:
                promoting.request_override(version, bot, by, reason=options["override"])
                self.stdout.write("Asked. Another person has to agree.")
                return
            if options["agree"]:
                request = promoting.open_request(version, bot)
                if request is None:
                    raise CommandError("Nobody has asked for this.")
                promotion = promoting.confirm_override(request, by)
            else:
                promotion = promoting.promote(version, bot, by)
        except promoting.GatesClosed as error:
            for gate in error.gates:
                self.stderr.write(gate_line(gate))
            raise CommandError(str(error)) from error
        except promoting.Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{bot.slug} is served with {promotion.deployment.artifact} from now on.")

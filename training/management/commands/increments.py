"""Where a bot's increments stand, and the decisions about the one under way."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.models import Bot
from training.evaluation.learning_curve import FURTHER, NEXT, Gain
from training.management.choosing import chosen_bot, chosen_person
from training.models import Increment
from training.services import increment_decisions, increments, learning
from training.services.increment_decisions import IncrementRefused

SHOWN = 10


class Command(BaseCommand):
    help = (
        "Say where the increments of a bot stand and what more examples would bring; close the "
        "batch under way, take the steps that can be taken now, or cancel it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        for act, says, decides in (
            ("status", "the newest ones, and the learning curve", False),
            ("close", "approve the batch as it stands, and queue its training", True),
            ("advance", "take the steps that can be taken now", False),
            ("cancel", "learn nothing from it now", True),
        ):
            one = acts.add_parser(act, help=says)
            one.add_argument("bot", help="its short name")
            if decides:
                one.add_argument("--by", required=True, metavar="USER", help="who decides")

    def handle(self, *args: Any, **options: Any) -> None:
        bot = chosen_bot(options["bot"])
        if options["act"] == "status":
            self._status(bot)
            return
        increment = Increment.objects.filter(bot=bot, ended_at=None).first()
        if increment is None:
            raise CommandError("No increment of this bot is under way: see propose_increment.")
        try:
            if options["act"] == "close":
                increment_decisions.close(increment, by=chosen_person(options["by"]))
            if options["act"] == "cancel":
                increment_decisions.cancel(increment, by=chosen_person(options["by"]))
        except IncrementRefused as error:
            raise CommandError(str(error)) from error
        self._tell(increments.advance(increment))

    def _status(self, bot: Bot) -> None:
        newest = Increment.objects.filter(bot=bot).select_related("run")[:SHOWN]
        for each in newest:
            self._tell(each)
        if not newest:
            self.stdout.write("There was no increment yet.")
        known = learning.points(bot)
        curve = learning.curve(known)
        for point in known:
            self.stdout.write(f"{point.version}: {point.examples} examples, {point.accuracy:.1%}")
        if curve.next_gain is None or curve.further_gain is None:
            self.stdout.write("Too few models to tell what more examples would bring.")
            return
        for count, gain in ((NEXT, curve.next_gain), (FURTHER, curve.further_gain)):
            self.stdout.write(f"{count} more examples: {_said(gain)}")
        if curve.verdict == "pointless":
            self.stdout.write("More examples of this kind are pointless.")

    def _tell(self, increment: Increment) -> None:
        opened = increment.items.count()
        decided = increment.items.exclude(status="open").count()
        self.stdout.write(
            f"{increment}: {increment.get_stage_display()}, {decided} of {opened} proposals decided"
            + (f", {increment.run} {increment.run.status}" if increment.run else "")
        )
        if increment.trouble:
            self.stdout.write(f"  {increment.trouble}")


def _said(gain: Gain) -> str:
    if gain.high == float("inf"):
        return f"{gain.value:+.2%} right answers (how sure that is, three models do not tell)"
    return f"{gain.value:+.2%} right answers (95 %: {gain.low:+.2%} to {gain.high:+.2%})"

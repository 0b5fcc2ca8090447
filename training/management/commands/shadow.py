"""Let a model answer customers' questions unseen, and hear what people think of its answers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.models import Shadow
from chat.models.shadows import MOST_ANSWERS
from chat.services.shadowing import Sample
from training.experiments import votes
from training.management.choosing import bot_of, chosen_bot, chosen_model, chosen_person
from training.services import shadows
from training.services.promoting import GatesClosed, Refused


class Command(BaseCommand):
    help = (
        "A candidate answers a sample of the questions that customers ask, seen by none of them. "
        "Answers that differ in meaning from what the customer was told are voted on in the console."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        start = acts.add_parser("start", help="let a model answer a sample, unseen")
        start.add_argument("bot", help="its short name")
        start.add_argument("model", metavar="MODEL:N")
        start.add_argument("--by", required=True, metavar="USER", help="who decides")
        start.add_argument("--share", type=int, default=20, metavar="PERCENT", help="1 to 100")
        start.add_argument(
            "--limit", type=int, default=500, metavar="ANSWERS", help="it ends by itself then"
        )
        status = acts.add_parser("status", help="what it said, and what people think of it")
        status.add_argument("bot", help="its short name")
        stop = acts.add_parser("stop", help="answer nothing more")
        stop.add_argument("bot", help="its short name")
        stop.add_argument("--by", required=True, metavar="USER", help="who decides")

    def handle(self, *args: Any, **options: Any) -> None:
        {"start": self._start, "status": self._status, "stop": self._stop}[options["act"]](options)

    def _start(self, options: dict[str, Any]) -> None:
        bot, version = chosen_bot(options["bot"]), chosen_model(options["model"])
        by = chosen_person(options["by"])
        if bot_of(version) != bot:
            raise CommandError(f"{version} was trained for another bot.")
        if not 1 <= options["share"] <= 100:
            raise CommandError("The share is 1 to 100 percent.")
        if not 1 <= options["limit"] <= MOST_ANSWERS:
            raise CommandError(f"The limit is 1 to {MOST_ANSWERS} answers.")
        try:
            shadows.start(version, bot, by, Sample(options["share"], options["limit"]))
        except GatesClosed as error:
            closed = ", ".join(each.name for each in error.gates)
            raise CommandError(f"Its gates are not all open: {closed}.") from error
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{version} answers {options['share']} % of the questions unseen, {options['limit']} at most."
        )

    def _status(self, options: dict[str, Any]) -> None:
        shadow = self._newest(options["bot"])
        found = shadows.counts(shadow)
        state = shadow.get_reason_display() if shadow.ended_at else "under way"
        self.stdout.write(f"{shadow.candidate}: {state}")
        self.stdout.write(
            f"asked {found.asked}: {found.same} say the same, {found.different} differ, "
            f"{found.failed} failed; {found.left} wait for a vote"
        )
        for name, latency in (
            ("candidate  ", found.latency),
            ("what serves", found.live_latency),
        ):
            if latency:
                self.stdout.write(f"{name}  P50 {latency[0]:.2f} s, P95 {latency[1]:.2f} s")
        tally = votes.tally(shadows.votes_of(shadow))
        self.stdout.write(
            f"pairs: {tally.wins} for the candidate, {tally.losses} for what serves, "
            f"{tally.both} both right, {tally.neither} both wrong, {tally.split} undecided"
        )
        standing = votes.standing(tally)
        if standing.share is not None:
            self.stdout.write(
                f"right more often in {standing.share:.0%} of the pairs with a winner "
                f"({standing.low:.0%} to {standing.high:.0%} at 95 %, exact; p {standing.p_value:.3f})"
            )
        if shadow.trouble and not shadow.ended_at:
            self.stdout.write(f"a runner cannot load the candidate: {shadow.trouble}")

    def _stop(self, options: dict[str, Any]) -> None:
        by = chosen_person(options["by"])
        try:
            shadows.stop(self._newest(options["bot"]), by)
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write("It has ended.")

    def _newest(self, slug: str) -> Shadow:
        found = (
            Shadow.objects.filter(bot=chosen_bot(slug)).select_related("bot", "candidate").first()
        )
        if found is None:
            raise CommandError("No model has answered in the shadow of this bot.")
        return found

"""Try a model on a share of the customers, and hear whether it is better."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.experiments.verdicts import Arm
from training.management.choosing import bot_of, chosen_bot, chosen_model, chosen_person
from training.models import Experiment
from training.services import experimenting
from training.services.promoting import GatesClosed, Refused


class Command(BaseCommand):
    help = (
        "Compare a model with what serves, on a share of the visitors, by conversations resolved "
        "without a person. Looks are taken by the schedule; harm ends it, a winner is promoted by a person."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        start = acts.add_parser("start", help="let a model answer a share of the visitors")
        start.add_argument("model", metavar="MODEL:N")
        start.add_argument("--by", required=True, metavar="USER", help="who decides")
        start.add_argument("--share", type=int, default=20, metavar="PERCENT", help="1 to 50")
        start.add_argument(
            "--effect", type=float, default=0.1, help="difference worth finding; 0.1: ten points"
        )
        status = acts.add_parser("status", help="where it stands")
        status.add_argument("bot", help="its short name")
        end = acts.add_parser("end", help="everybody is answered by what serves again")
        end.add_argument("bot", help="its short name")
        end.add_argument("--by", required=True, metavar="USER", help="who decides")
        end.add_argument("--reason", required=True, help="why, in 10 to 500 characters")

    def handle(self, *args: Any, **options: Any) -> None:
        {"start": self._start, "status": self._status, "end": self._end}[options["act"]](options)

    def _start(self, options: dict[str, Any]) -> None:
        version, by = chosen_model(options["model"]), chosen_person(options["by"])
        if not 1 <= options["share"] <= 50:
            raise CommandError("The share is 1 to 50 percent.")
        try:
            experiment = experimenting.start(
                version, bot_of(version), by, share=options["share"], effect=options["effect"]
            )
        except GatesClosed as error:
            closed = ", ".join(each.name for each in error.gates)
            raise CommandError(f"Its gates are not all open: {closed}.") from error
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{version} answers {options['share']} % of the visitors. A difference of "
            f"{experiment.effect:.0%} takes {experiment.per_arm} conversations of each."
        )

    def _status(self, options: dict[str, Any]) -> None:
        experiment = self._newest(options["bot"])
        found = experimenting.reading(experiment)
        champion, challenger = experimenting.arms(experiment)
        self.stdout.write(f"{experiment.model_version}: {experiment.get_verdict_display()}")
        self.stdout.write(f"what serves  {_said(champion)}")
        self.stdout.write(f"challenger   {_said(challenger)}")
        if found.difference is not None and found.low is not None and found.high is not None:
            self.stdout.write(
                f"difference   {found.difference:+.1%} ({found.low:+.1%} to {found.high:+.1%} at "
                f"{found.level:.4%}, as looking often demands)"
            )
        if experiment.ended_at is None:
            self.stdout.write(
                f"look {found.look} of {experimenting.plan_of(experiment).looks} taken, "
                f"{found.needed} more conversations of the smaller group to the next"
            )
        if trouble := experiment.traffic.trouble:
            self.stdout.write(f"a runner cannot load the challenger: {trouble}")

    def _end(self, options: dict[str, Any]) -> None:
        by = chosen_person(options["by"])
        try:
            experimenting.end(self._newest(options["bot"]), by, options["reason"])
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write("It has ended.")

    def _newest(self, slug: str) -> Experiment:
        found = Experiment.objects.filter(bot=chosen_bot(slug)).first()
        if found is None:
            raise CommandError("No model has been tried on this bot.")
        return found


def _said(arm: Arm) -> str:
    rate = "-" if arm.rate is None else f"{arm.rate:.1%}"
    return f"{arm.good} of {arm.total} resolved without a person ({rate})"

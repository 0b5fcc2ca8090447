"""What a candidate gets better, and what it breaks."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training import comparisons
from training.evaluation.comparing import Change, Changed
from training.management.choosing import bot_of, chosen_model
from training.services import gating


class Command(BaseCommand):
    help = (
        "Print, question by question, what a model got better and what it broke beside the model "
        "that serves, or beside another one (--with), and who approved the right answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL:N", help="the candidate")
        parser.add_argument("--with", dest="other", metavar="MODEL:N", help="not what serves")
        parser.add_argument(
            "--only", choices=[*Change], action="append", help="some kinds of change alone"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        version = chosen_model(options["model"])
        bot = bot_of(version)
        case = gating.examine(version, bot)
        before = case.champion
        if options["other"]:
            before = gating.examine(chosen_model(options["other"]), bot).candidate
        if case.candidate is None or before is None:
            raise CommandError("Not both were evaluated on the same dataset: see gates --measure.")
        found = comparisons.comparison(before, case.candidate)
        names = comparisons.approvers(case.candidate.dataset_version)
        wanted = options["only"] or [Change.BETTER, Change.BROKE]
        self.stdout.write(
            f"{found.right_before} of {found.total} right before, {found.right_after} now"
        )
        for changed in found.changed:
            if changed.change in wanted:
                self._print(changed, names.get(changed.after.digest, ""))

    def _print(self, changed: Changed, approver: str) -> None:
        before, after = changed.before, changed.after
        by = f", approved by {approver}" if approver else ""
        self.stdout.write(f"\n{changed.change}: {after.question}")
        self.stdout.write(f"  right ({after.scenario}{by}): {after.expected}")
        self.stdout.write(f"  before ({before.outcome}): {before.given}")
        self.stdout.write(f"  now ({after.outcome}): {after.given}")

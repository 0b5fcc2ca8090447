"""What a candidate has to show, and what it shows."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from training.evaluation.gates import Gate
from training.management.choosing import bot_of, chosen_model
from training.services import gating

MARKS = {"passed": "+", "not_needed": " ", "failed": "-", "missing": "?"}


class Command(BaseCommand):
    help = (
        "Print the gates of a candidate with their figures. Exit code 1 when one is closed. "
        "With --measure the model that serves is evaluated first where that is missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL:N", help="the candidate")
        parser.add_argument("--measure", action="store_true", help="evaluate what serves, too")

    def handle(self, *args: Any, **options: Any) -> None:
        version = chosen_model(options["model"])
        bot = bot_of(version)
        case = gating.examine(version, bot)
        if options["measure"] and case.champion is None:
            try:
                with tqdm(unit="question", disable=None, file=self.stderr) as bar:

                    def advance(done: int, total: int) -> None:
                        bar.total = total
                        bar.update(done - bar.n)

                    gating.measure_champion(case, advance)
            except gating.NotMeasured as error:
                raise CommandError(str(error)) from error
            case = gating.examine(version, bot)
        self.stdout.write(f"{version}, instead of {case.deployment or 'nothing'}")
        for gate in case.gates:
            self.stdout.write(gate_line(gate))
        if case.closed:
            raise CommandError("Closed: " + ", ".join(each.name for each in case.closed))


def gate_line(gate: Gate) -> str:
    """One gate for a terminal."""
    facts = "  ".join(f"{name} {value}" for name, value in gate.facts.items())
    limit = "" if gate.limit is None else f"limit {gate.limit:g}"
    value = "" if gate.value is None else f"{gate.value:.4g}"
    why = f"missing: {gate.missing}" if gate.missing else facts
    return f"{MARKS[gate.verdict]} {gate.name:<12}{value:>9} {limit:<14} {why}".rstrip()

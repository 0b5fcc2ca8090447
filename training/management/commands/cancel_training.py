"""Stop a training run for good."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.management.choosing import chosen_run
from training.services import runs


class Command(BaseCommand):
    help = "Cancel a run: one that waits at once, one that runs within seconds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", help="its number, or the beginning of its id")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = runs.request_cancel(chosen_run(options["run"]))
        except runs.NotCancellable:
            raise CommandError("This run is over.") from None
        self.stdout.write(f"{run}: {'cancelled' if run.is_over else 'stops in a moment'}.")

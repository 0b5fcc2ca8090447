"""Training runs, newest first."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from training.models import TrainingRun


class Command(BaseCommand):
    help = "List training runs: what waits, runs and ended, and how."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=20)

    def handle(self, *args: Any, **options: Any) -> None:
        runs = TrainingRun.objects.select_related("dataset_version__dataset")
        for run in runs[: options["limit"]]:
            self.stdout.write(
                f"{run.pk:>5}  {str(run.public_id)[:8]}  {_state(run):<28}"
                f"{run.recipe_name} on {run.dataset_version}  {run.error}".rstrip()
            )


def _state(run: TrainingRun) -> str:
    if run.status == TrainingRun.Status.RUNNING:
        return f"{run.stage} {run.stage_share:.0%}, step {run.step}/{run.total_steps}"
    return f"{run.status} {run.error_code}".strip()

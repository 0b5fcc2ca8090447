"""Fine-tune here and now, with a bar; or queue it for the trainer process."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from training.management.choosing import add_order_arguments, chosen_order, chosen_run
from training.measuring import CannotMeasure
from training.models import TrainingRun
from training.services import planning, runs
from training.supervisor import StopSignals, Supervisor, new_owner

PATIENCE_SECONDS = 2.0


class Command(BaseCommand):
    help = (
        "Train a model from a frozen dataset, evaluate and export it. Ctrl-C writes a checkpoint "
        "and puts the run back in line; --resume takes one up again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_order_arguments(parser)
        parser.add_argument("--resume", metavar="RUN", help="go on with this run instead")
        parser.add_argument("--queue-only", action="store_true", help="leave it to the trainer")
        parser.add_argument("--no-plan", action="store_true", help="do not measure it first")

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._resumed(options["resume"]) if options["resume"] else self._queued(options)
        self.stdout.write(f"{run}, id {run.public_id}")
        if not options["queue_only"]:
            self._work(run)

    def _queued(self, options: dict[str, Any]) -> TrainingRun:
        order = chosen_order(options)
        try:
            plan = planning.known(order) if options["no_plan"] else planning.predict(order)
            run = runs.queue(order, plan)
        except CannotMeasure as error:
            raise CommandError(f"It cannot be measured: {error}") from error
        except runs.DoesNotFit as error:
            raise CommandError(str(error)) from error
        if plan.minutes is not None:
            self.stdout.write(f"About {plan.minutes:.0f} minutes, {plan.steps} steps.")
        return run

    def _resumed(self, name: str) -> TrainingRun:
        run = chosen_run(name)
        if run.status == TrainingRun.Status.SUCCEEDED:
            raise CommandError(f"{run} has finished.")
        return runs.resume(run) if run.is_over else run

    def _work(self, run: TrainingRun) -> None:
        """Work it here, or watch whoever came first, until it is over or somebody stops us."""
        owner = new_owner()
        with StopSignals() as signals, tqdm(unit="step", disable=None, file=self.stderr) as bar:
            while not signals.asked and not run.is_over:
                claim = runs.claim(device=run.device, owner=owner, only=run)
                if claim is not None:
                    signals.work(Supervisor(claim, show=lambda run: _show(bar, run)))
                else:
                    time.sleep(PATIENCE_SECONDS)
                run.refresh_from_db()
                _show(bar, run)
        self._tell(run)

    def _tell(self, run: TrainingRun) -> None:
        if run.status == TrainingRun.Status.FAILED:
            raise CommandError(f"{run} failed ({run.error_code}): {run.error}")
        self.stdout.write(f"{run}: {run.get_status_display()}.")
        if run.status == TrainingRun.Status.QUEUED:
            self.stdout.write(f"It goes on with: manage.py train --resume {run.pk}")


def _show(bar: "tqdm[Any]", run: TrainingRun) -> None:
    bar.total = run.total_steps or None
    bar.n = run.step
    loss = run.progress.get("loss")
    bar.set_description(f"{run.stage or run.status} {run.stage_share:.0%}")
    bar.set_postfix_str("" if loss is None else f"loss {loss:.3f}")

"""One stage of one claimed run, in a process of its own. Called by the supervisor."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from training import places, stages
from training.failures import LostLease, RunFailure
from training.frozen import DatasetDamaged
from training.models import TrainingRun
from training.progress import ProgressWriter

Stage = TrainingRun.Stage


class Command(BaseCommand):
    help = "Do one stage of a run under the lease that its supervisor holds."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run")
        parser.add_argument("fence", type=int)
        parser.add_argument(
            "stage", choices=[str(each) for each in Stage if each != Stage.TRAINING]
        )

    def handle(self, *args: Any, **options: Any) -> None:
        run = TrainingRun.objects.get(public_id=options["run"])
        folder, fence = places.run_folder(run), options["fence"]
        try:
            _work(Stage(options["stage"]), run, folder, fence)
        except LostLease:
            sys.exit(stages.LOST_LEASE)
        except RunFailure as failure:
            ProgressWriter(folder, fence).refuse(failure.code, str(failure))
            sys.exit(1)
        except MemoryError:
            sys.exit(stages.OUT_OF_MEMORY)


def _work(stage: TrainingRun.Stage, run: TrainingRun, folder: Path, fence: int) -> None:
    # Imported where they are needed: most load the libraries of models.
    match stage:
        case Stage.PREPARING:
            from training.services.preparing import NothingToLearn, prepare

            try:
                prepare(run, folder)
            except NothingToLearn as error:
                raise RunFailure("nothing_to_learn", str(error)) from error
            except DatasetDamaged as error:
                raise RunFailure("dataset_damaged", str(error)) from error
            stages.seal_prepared(folder)
        case Stage.SEARCH:
            from training.services.search_tuning import tune_run

            try:
                tune_run(run, folder, fence)
            except DatasetDamaged as error:
                raise RunFailure("dataset_damaged", str(error)) from error
        case Stage.EXPORTING:
            from training.services.exporting import export_run

            export_run(run, folder, fence)
        case Stage.EVALUATING:
            from training.services.evaluating import evaluate_run

            evaluate_run(run, folder, fence)
        case Stage.PUBLISHING:
            from training.services.registering import publish

            publish(run, folder, fence)

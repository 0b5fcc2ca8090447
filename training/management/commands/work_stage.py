"""One stage of one claimed run, in a process of its own. Called by the supervisor."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from training import places, stages
from training.failures import LostLease, RunFailure
from training.models import TrainingRun
from training.progress import ProgressWriter
from training.services.runs import Claim


class Command(BaseCommand):
    help = "Do one stage of a run under the lease that its supervisor holds."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run")
        parser.add_argument("fence", type=int)
        parser.add_argument("stage", choices=[str(each) for each in TrainingRun.Stage])

    def handle(self, *args: Any, **options: Any) -> None:
        run = TrainingRun.objects.get(public_id=options["run"])
        claim, folder = Claim(run, options["fence"]), places.run_folder(run)
        try:
            stages.work(claim, TrainingRun.Stage(options["stage"]), folder)
        except LostLease:
            sys.exit(stages.LOST_LEASE)
        except RunFailure as failure:
            ProgressWriter(folder, claim.fence).refuse(failure.code, str(failure))
            sys.exit(1)
        except MemoryError:
            sys.exit(stages.OUT_OF_MEMORY)

"""A version of a dataset that never changes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from training.models import Dataset
from training.services import freezing


class Command(BaseCommand):
    help = "Freeze the approved examples of a dataset as its next version, for training."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset", help="short name of the dataset")
        parser.add_argument("--note", default="", help="kept with the version")

    def handle(self, *args: Any, **options: Any) -> None:
        dataset = Dataset.objects.select_related("bot").filter(slug=options["dataset"]).first()
        if dataset is None:
            raise CommandError(f"There is no dataset {options['dataset']!r}.")
        try:
            with tqdm(desc="checking", unit="row", leave=False, delay=2) as bar:
                version = freezing.freeze(
                    dataset, author=None, note=options["note"], progress=bar.update
                )
        except freezing.NotFrozen as error:
            raise CommandError(str(error)) from None
        counts = ", ".join(f"{count} {name}" for name, count in version.counts.items())
        self.stdout.write(f"{version}: {counts}, sha256 {version.sha256}")

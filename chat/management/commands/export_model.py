"""Prepare a base model for serving."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from chat.inference import artifacts, exporting


class Command(BaseCommand):
    help = "Export a base model into the artifact that runners load."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default=settings.CHAT_MODEL, help="The base model.")
        parser.add_argument("--precision", default=settings.CHAT_PRECISION)
        parser.add_argument("--format", default="genai", choices=sorted(exporting.PRECISIONS))
        parser.add_argument("--force", action="store_true", help="Export it even if it is there.")

    def handle(self, *args: Any, **options: Any) -> None:
        name, precision = options["name"], options["precision"]
        kind = precision if options["format"] == "genai" else f"{options['format']}-{precision}"
        try:
            target = artifacts.serving_folder(settings.MODELS_DIR, name, kind)
            if target.exists() and not options["force"]:
                artifacts.verify(target)
            else:
                self._export(artifacts.base_folder(settings.MODELS_DIR, name), target, options)
        except (artifacts.ArtifactError, exporting.ExportError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{target} is ready.")

    def _export(self, base: Any, target: Any, options: dict[str, Any]) -> None:
        with tqdm(total=exporting.STEPS, disable=None, file=self.stderr) as bar:

            def report(step: str) -> None:
                bar.set_description(step)
                bar.update()

            exporting.export(
                base,
                target,
                precision=options["precision"],
                format=options["format"],
                report=report,
            )

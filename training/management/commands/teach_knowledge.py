"""Let a bot know what its dataset answers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.services.knowledge import InvalidAnswer
from training.frozen import DatasetDamaged
from training.models import DatasetVersion
from training.services.teaching import teach


class Command(BaseCommand):
    help = (
        "Add the answers and questions of a frozen dataset's training split to the approved "
        "answers of its bot. Held-out questions stay unseen."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "dataset", metavar="SLUG[@N]", help="Frozen version; the newest is the default."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slug, _, number = options["dataset"].partition("@")
        versions = DatasetVersion.objects.filter(dataset__slug=slug)
        if number.isdigit():
            versions = versions.filter(number=int(number))
        version = versions.order_by("-number").first()
        if version is None:
            raise CommandError("There is no such version: freeze the dataset first.")
        try:
            new, changed = teach(version, author=None)
        except (InvalidAnswer, DatasetDamaged) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{new} new answers, {changed} with new wordings.")

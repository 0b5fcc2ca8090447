"""Let a bot know what its dataset answers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.services.knowledge import InvalidAnswer
from training.frozen import DatasetDamaged
from training.management.choosing import add_version_argument, chosen_version
from training.services.teaching import teach


class Command(BaseCommand):
    help = (
        "Add the answers and questions of a frozen dataset's training split to the approved "
        "answers of its bot. Held-out questions stay unseen."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_version_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        version = chosen_version(options["dataset"])
        try:
            new, changed = teach(version, author=None)
        except (InvalidAnswer, DatasetDamaged) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{new} new answers, {changed} with new wordings.")

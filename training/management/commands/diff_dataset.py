"""What distinguishes two versions of a dataset."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.frozen import DatasetDamaged, FrozenRow
from training.models import DatasetVersion
from training.services import freezing

SHOWN = 20


class Command(BaseCommand):
    help = "Say what was added to a dataset, removed and changed between two of its versions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset", help="short name of the dataset")
        parser.add_argument("before", type=int, help="number of the earlier version")
        parser.add_argument("after", type=int, help="number of the later version")

    def handle(self, *args: Any, **options: Any) -> None:
        before, after = (
            _version(options["dataset"], options[each]) for each in ("before", "after")
        )
        try:
            found = freezing.diff(before, after)
        except DatasetDamaged as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{len(found.added)} added, {len(found.removed)} removed, "
            f"{len(found.changed)} changed, {len(found.moved)} in another split"
        )
        for sign, rows in (("+", found.added), ("-", found.removed)):
            for row in rows[:SHOWN]:
                self.stdout.write(f"{sign} {_shown(row)}")
        for old, new in found.changed[:SHOWN]:
            self.stdout.write(f"- {_shown(old)}\n+ {_shown(new)}")


def _version(slug: str, number: int) -> DatasetVersion:
    version = DatasetVersion.objects.filter(dataset__slug=slug, number=number).first()
    if version is None:
        raise CommandError(f"There is no version {number} of a dataset {slug!r}.")
    return version


def _shown(row: FrozenRow) -> str:
    return f"{row.question} -> {row.answer}"

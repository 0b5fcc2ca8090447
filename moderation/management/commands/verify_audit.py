"""Whether the audit trail is what was written."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from moderation.audit import checkpoints
from moderation.audit.chain import Broken
from moderation.audit.checkpoints import Checkpoint, Forged
from moderation.services import audit, audit_export


class Command(BaseCommand):
    help = (
        "Walk the whole audit trail and compare it with every signed checkpoint. Fails with the "
        "first entry that is not what was written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--checkpoints",
            type=Path,
            help="further checkpoints, kept elsewhere: what a webhook was told, or a copy of the file",
        )
        parser.add_argument("--export", type=Path, help="check what export_audit wrote instead")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            others = _others(options["checkpoints"])
            if options["export"] is None:
                found = audit.verify(others)
            else:
                found = _verify_export(options["export"], others)
        except Broken as broken:
            raise CommandError(f"The audit trail was changed: {broken}.") from None
        except Forged:
            raise CommandError("A checkpoint was not signed with the key of this csbot.") from None
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from None
        self.stdout.write(
            f"{found.end.seq} entries are what was written; {found.checkpoints} checkpoints agree."
        )
        if found.newest is None:
            self.stdout.write("No end of it is signed yet: a cut tail would not be noticed.")
        else:
            self.stdout.write(f"Newest checkpoint: entry {found.newest.seq}, {found.newest.time}.")


def _others(place: Path | None) -> list[Checkpoint]:
    if place is None:
        return []
    with place.open(encoding="utf-8") as file:
        return [Checkpoint.of_line(line) for line in file if line.strip()]


def _verify_export(place: Path, others: list[Checkpoint]) -> audit.Verified:
    known = [*checkpoints.read(audit.checkpoints_file()), *others]
    with place.open(encoding="utf-8") as file:
        return audit.verify_links(audit_export.links(file), known)

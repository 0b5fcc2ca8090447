"""The audit trail as a file."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from moderation.models import AuditEntry
from moderation.services import audit, audit_export


class Command(BaseCommand):
    help = "Write the audit trail as JSONL, for verify_audit --export and for others to check."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, help="a file; otherwise it is printed")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            audit.record("export.made", target="audit", facts={"format": "jsonl"})
        lines = audit_export.lines(AuditEntry.objects.all())
        if options["output"] is None:
            sys.stdout.writelines(lines)
            return
        try:
            with options["output"].open("w", encoding="utf-8") as file:
                file.writelines(lines)
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}") from None

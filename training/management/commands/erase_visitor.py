"""Erase one visitor everywhere, or say what that would erase."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from chat.models import Bot, Visitor
from chat.services.erasing import find_visitors
from training import certificates
from training.models import Erasure
from training.services import erasing

_REASONS = [each for each in Erasure.Reason.values if each != Erasure.Reason.RETENTION]


class Command(BaseCommand):
    help = (
        "Erase a visitor everywhere and print the certificate. --dry-run says what would be "
        "erased, and which models learned from it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--visitor",
            required=True,
            metavar="ID",
            help="the visitor's or a conversation's public id, or an e-mail address or phone "
            "number that they gave",
        )
        parser.add_argument("--dry-run", action="store_true", help="look, and change nothing")
        parser.add_argument("--reason", choices=_REASONS, default=Erasure.Reason.ASKED)
        parser.add_argument("--reference", default="", help="the request's number in your files")

    def handle(self, *args: Any, **options: Any) -> None:
        visitor = self._visitor(options["visitor"])
        if options["dry_run"]:
            self._show(erasing.preview(visitor))
            return
        try:
            Erasure._meta.get_field("reference").clean(options["reference"], None)  # noqa: SLF001
        except ValidationError as error:
            raise CommandError(f"The reference: {error.messages[0]}") from error
        erasure = erasing.erase(
            visitor,
            by=None,
            reason=Erasure.Reason(options["reason"]),
            reference=options["reference"],
        )
        if erasure.finished_at is None:
            self.stdout.write(
                f"The rows are gone ({erasure}). Files or caches wait for a training or for "
                "Valkey: apply_retention finishes it, and so does the schedule."
            )
            return
        self.stdout.write(json.dumps(certificates.signed(erasure), indent=2, ensure_ascii=False))

    def _visitor(self, said: str) -> Visitor:
        found = find_visitors(Bot.objects.all(), said)
        if not found:
            raise CommandError("Nobody was found.")
        if len(found) > 1:
            listed = "\n".join(f"  {each.public_id}  {each.bot.slug}" for each in found)
            raise CommandError(f"Several were found; name one of them:\n{listed}")
        return found[0]

    def _show(self, preview: erasing.Preview) -> None:
        self.stdout.write(f"{preview.visitor} of {preview.visitor.bot.slug}")
        for kind, number in sorted(preview.counts.items()):
            self.stdout.write(f"{number:>8} {kind}")
        for each in preview.versions:
            rows = sum(each.rows.values())
            self.stdout.write(f"{each.version}: {rows} rows leave its file")
        for run in preview.running:
            self.stdout.write(f"{run} is in progress with them, and is stopped")
        for model in preview.models:
            self.stdout.write(f"{model.model} has learned from them: train again without them")

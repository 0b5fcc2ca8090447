"""Wrap every conversation's key with the newest data key."""

from typing import Any

from django.core.management.base import BaseCommand

from moderation.services import subject_keys


class Command(BaseCommand):
    help = (
        "Wrap the keys of all conversations with the first of CSBOT_DATA_KEYS. Afterwards the older "
        "data keys only serve to find people by what they gave before."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{subject_keys.rewrap_all()} keys are wrapped with the newest data key.")

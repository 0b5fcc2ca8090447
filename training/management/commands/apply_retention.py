"""Erase what bots need not keep any more; csbot's schedule does the same every hour."""

from typing import Any

from django.core.management.base import BaseCommand

from training.services import erasing, retention


class Command(BaseCommand):
    help = (
        "Erase conversations in which nothing was said for as long as their bot keeps them, and "
        "finish erasures that were interrupted. May be stopped and started again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        counts = retention.apply(seconds=float("inf"))
        for kind, number in sorted(counts.items()):
            self.stdout.write(f"{number:>8} {kind}")
        if not counts:
            self.stdout.write("Nothing was old enough.")
        left = [each for each in erasing.unfinished() if not erasing.finish(each)]
        if left:
            self.stdout.write(f"{len(left)} erasures wait for a training or for Valkey.")

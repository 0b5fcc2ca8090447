"""``manage.py runvalkey``: the embedded Valkey alone, for other process managers."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from csbot import valkey


class Command(BaseCommand):
    help = "Run the embedded Valkey in this process (make run does so by itself)."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.VALKEY_SOCKET.parent
        try:
            command = valkey.command(folder)
        except valkey.ValkeyError as error:
            raise CommandError(str(error)) from error
        valkey.prepare(folder)
        os.execv(command[0], command)  # noqa: S606 (becomes the server)

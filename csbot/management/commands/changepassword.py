"""Another password for somebody, on record."""

import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User
from django.db import transaction

from moderation.services import audit


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        said: str | None = super().handle(*args, **options)
        # Afterwards and not around it: it asks questions, and SQLite would have everybody wait.
        user = User.objects.get(username=options["username"] or getpass.getuser())
        with transaction.atomic():
            audit.record("user.password_changed", target=f"user:{user.pk}")
        return said

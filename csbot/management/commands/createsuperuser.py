"""A person who may do everything, on record."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.models import User
from django.db import transaction

from moderation.services import audit


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        known = set(User.objects.values_list("pk", flat=True))
        said: str | None = super().handle(*args, **options)
        # Afterwards and not around it: it asks questions, and SQLite would have everybody wait.
        with transaction.atomic():
            for pk in User.objects.exclude(pk__in=known).values_list("pk", flat=True):
                audit.record("user.added", target=f"user:{pk}", facts={"is_superuser": True})
        return said

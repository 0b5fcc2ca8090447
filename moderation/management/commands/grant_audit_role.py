"""A role of PostgreSQL that works with everything and can change nothing in the audit trail."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.utils import DatabaseError

from moderation.audit import guards


class Command(BaseCommand):
    help = (
        "PostgreSQL: give a role that exists what csbot needs to run, and of the audit trail only "
        "reading and adding. Run it as the owner of the tables, after each migrate."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", help="the role that DATABASE_URL of the running csbot names")

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("Only PostgreSQL has roles.")
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                role = connection.ops.quote_name(options["role"].replace('"', ""))
                for statement in guards.grants(role):
                    cursor.execute(statement)
        except DatabaseError as error:
            raise CommandError(str(error).strip()) from None
        self.stdout.write(f"{options['role']} reads and adds entries, and changes none.")

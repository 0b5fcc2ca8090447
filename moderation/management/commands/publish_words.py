"""Put the draft of the word list in force, or an earlier policy version again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.models import PolicyVersion
from moderation.services import policies


class Command(BaseCommand):
    help = "Publish the words of the draft as a new version, or roll back to an earlier one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--note", default="", help="what changed")
        parser.add_argument(
            "--rollback", type=int, metavar="NUMBER", help="put that policy version in force again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        number: int | None = options["rollback"]
        if number is not None:
            version = PolicyVersion.objects.filter(number=number).first()
            if version is None:
                raise CommandError(f"There is no policy version {number}.")
            policies.activate(version, by=None)
            self.stdout.write(f"Policy version {number} is in force.")
            return
        try:
            version = policies.publish_words(by=None, note=options["note"])
        except policies.NothingToPublish:
            raise CommandError("The draft equals the words in force.") from None
        assert version.word_list is not None
        self.stdout.write(
            f"Policy version {version.number} with {version.word_list.size} words is in force."
        )

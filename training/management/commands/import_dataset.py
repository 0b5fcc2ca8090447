"""Examples from a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug
from django.db import transaction
from tqdm import tqdm

from chat.models import Bot
from chat.models.fields import LOCALES
from chat.selectors import DEMO_BOT_SLUG
from training import formats
from training.models import Dataset, Example
from training.services import datasets, importing
from training.services.importing import Defaults, Plan

SHOWN = 20
BIG = 2_000
"""Rows from which on a bar shows how far it is."""


class Command(BaseCommand):
    help = (
        "Write the conversations of a file to a dataset, all or none. The file is JSONL with "
        "messages, context/response JSON, ShareGPT, Alpaca, CSV or XLSX; personal data is masked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dataset", required=True, help="short name; the dataset is made if there is none"
        )
        parser.add_argument("--bot", help="short name of its bot; not needed for a known dataset")
        parser.add_argument("--locale", choices=LOCALES, default="", help="where rows name none")
        parser.add_argument("--source", default="", help="where rows name none")
        parser.add_argument("--licence", default="", help="where rows name none")
        parser.add_argument("--draft", action="store_true", help="to be reviewed before it counts")
        parser.add_argument(
            "--skip-problems", action="store_true", help="import the rows that have none"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        dataset = self._dataset(options["dataset"], options["bot"])
        contents = _read(options["file"])
        defaults = Defaults(options["locale"], options["source"], options["licence"])
        with _bar("checking", len(contents.entries)) as bar:
            plan = importing.plan(
                dataset.bot, contents, dataset=dataset, defaults=defaults, progress=bar.update
            )
        self._show(plan)
        if plan.problems and not options["skip_problems"]:
            raise CommandError("Nothing was imported.")
        if options["dry_run"]:
            self.stdout.write("Nothing was changed.")
            return
        status = Example.Status.DRAFT if options["draft"] else Example.Status.APPROVED
        with _bar("writing", len(plan.new)) as bar, transaction.atomic():
            datasets.keep(dataset)
            count = importing.carry_out(
                dataset,
                importing.without_problems(plan),
                author=None,
                status=status,
                progress=bar.update,
            )
        self.stdout.write(f"{count} examples written to the dataset {dataset.slug!r}.")

    def _dataset(self, slug: str, bot_slug: str | None) -> Dataset:
        known = Dataset.objects.select_related("bot").filter(slug=slug).first()
        if known is not None and bot_slug is None:
            return known
        bot = Bot.objects.filter(slug=bot_slug or DEMO_BOT_SLUG).first()
        if bot is None:
            raise CommandError(f"There is no bot {bot_slug or DEMO_BOT_SLUG!r}.")
        try:
            validate_slug(slug)
            return datasets.named_or_new(slug, bot)
        except datasets.AnotherBots as error:
            raise CommandError(str(error)) from None
        except ValidationError:
            raise CommandError("A short name is of letters, digits, - and _.") from None

    def _show(self, plan: Plan) -> None:
        self.stdout.write(f"{len(plan.new)} new, {plan.duplicates} there already.")
        if plan.replaced:
            kinds = ", ".join(f"{kind} {count}" for kind, count in plan.replaced.most_common())
            self.stdout.write(f"masked in {len(plan.masked)} rows: {kinds}")
        for problem in plan.problems[:SHOWN]:
            self.stderr.write(f"line {problem.line}: {problem.text}")
        if (more := len(plan.problems) - SHOWN) > 0:
            self.stderr.write(f"and {more} more problems")


def _read(path: Path) -> formats.Contents:
    try:
        return formats.read(path.read_bytes(), path.name)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None
    except formats.FileRefused as error:
        raise CommandError(str(importing.FAULTS[error.fault])) from None


def _bar(what: str, total: int) -> "tqdm[Any]":
    return tqdm(total=total, desc=what, unit="row", leave=False, disable=total < BIG)

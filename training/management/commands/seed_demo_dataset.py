"""The demo bot's examples, once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from chat.models import Bot
from chat.selectors import DEMO_BOT_SLUG
from training import demo
from training.formats import Contents
from training.services import datasets, freezing, importing


class Command(BaseCommand):
    help = "Give the demo bot its dataset of examples, frozen for training. One that it has stays."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        bot = Bot.objects.filter(slug=DEMO_BOT_SLUG).first()
        if bot is None:
            raise CommandError("There is no demo bot: manage.py seed_demo makes it.")
        dataset = datasets.named_or_new(demo.DATASET_SLUG, bot, name=demo.DATASET_NAME)
        if dataset.pk and dataset.examples.exists():
            return
        plan = importing.plan(bot, Contents(tuple(demo.entries()), ()), dataset=dataset)
        if plan.problems:
            raise CommandError(f"The demo examples do not pass: {plan.problems[0].text}")
        datasets.keep(dataset)
        count = importing.carry_out(dataset, plan, author=None)
        version = freezing.freeze(dataset, author=None)
        self.stdout.write(f"{count} examples written to the dataset {dataset.slug!r}: {version}.")

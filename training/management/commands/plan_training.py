"""What a training would take, before it is started."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.management.choosing import add_order_arguments, chosen_order
from training.measuring import CannotMeasure
from training.planner import Plan
from training.presentation import refusal_texts
from training.services import planning

MEBIBYTE = 1024**2


class Command(BaseCommand):
    help = (
        "Predict minutes, memory and disk of a training on this machine. What is not known yet "
        "is measured with a few real steps, which takes a minute or two."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_order_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        order = chosen_order(options)
        try:
            plan = planning.predict(order)
        except CannotMeasure as error:
            raise CommandError(f"It cannot be measured: {error}") from error
        self.stdout.write(f"{order.recipe_name} on {order.dataset_version}, {order.device}")
        for name, value in rows(plan):
            self.stdout.write(f"  {name:<22}{value}")
        if plan.refusals:
            raise CommandError(" ".join(refusal_texts(plan)))


def rows(plan: Plan) -> list[tuple[str, str]]:
    """A plan as lines of name and value."""
    return [
        ("examples", f"{plan.examples:,}"),
        ("tokens of one pass", f"{plan.tokens:,}"),
        ("steps", f"{plan.steps:,}"),
        ("minutes of the search", _minutes(plan.search_minutes)),
        ("minutes of training", _minutes(plan.training_minutes)),
        ("minutes in all", _minutes(plan.minutes)),
        ("memory", f"{_size(plan.memory_bytes)} of {_size(plan.free_memory_bytes)} free"),
        ("disk", f"{_size(plan.disk_bytes)} of {_size(plan.free_disk_bytes)} free"),
    ]


def _minutes(value: float | None) -> str:
    return "not measured yet" if value is None else f"{value:.1f}"


def _size(value: int | None) -> str:
    return "not measured yet" if value is None else f"{value // MEBIBYTE:,} MB"

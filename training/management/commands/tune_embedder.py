"""Teach the search what the customers of a bot ask."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from chat.knowledge.embedding import EmbeddingError
from training.frozen import DatasetDamaged
from training.management.choosing import add_version_argument, chosen_version


class Command(BaseCommand):
    help = (
        "Tune the encoder that finds what is near a question on a frozen dataset, and keep it "
        "below var/models/embedders if it finds more of the held-out questions. Takes minutes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_version_argument(parser)
        parser.add_argument("--passes", type=float, default=None, help="over all questions")
        parser.add_argument("--learning-rate", type=float, default=None)
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        from training.encoder.tuning import Step, Tuning
        from training.services.search_tuning import NotTuned, tune_search

        version = chosen_version(options["dataset"])
        given = {name: options[name] for name in ("passes", "learning_rate") if options[name]}
        with tqdm(unit="step", desc="Learning", disable=None, file=self.stderr) as bar:

            def show(step: Step) -> None:
                bar.total, bar.n = step.of, step.number
                bar.set_postfix(loss=f"{step.loss:.2f}")

            try:
                tuned = tune_search(version, Tuning(seed=options["seed"], **given), show)
            except (NotTuned, EmbeddingError, DatasetDamaged) as error:
                raise CommandError(str(error)) from error
        before, after = tuned.before, tuned.after
        self.stdout.write(
            f"Of {after.questions} held-out questions the right answer comes first for "
            f"{after.first} (before: {before.first}) and is among the first five for "
            f"{after.among} (before: {before.among}).\n"
            f"To use it: set CHAT_EMBEDDER_MODEL={tuned.name}, run index_knowledge, train a model "
            "with it, and start csbot again."
        )

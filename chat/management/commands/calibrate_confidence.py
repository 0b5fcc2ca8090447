"""Learn from judged answers of the deployed model how sure to be of the next ones."""

import random
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from chat import demo, prompts
from chat.deployments import EngineShelf
from chat.inference.engine import EngineError
from chat.knowledge.embedding import EmbeddingError
from chat.libraries import LibraryShelf
from chat.models import Bot
from chat.models.fields import LOCALES
from chat.selectors import DEMO_BOT_SLUG
from chat.services.calibrating import NotEnough, calibrate_confidence, refuse_learned
from chat.trials import Trial, attempt, trials

SEED = 20


class Command(BaseCommand):
    help = (
        "Ask the deployed model wordings that it cannot find as they stand, judge its answers by the "
        "approved ones, and fit the confidence. Takes a second or two for each question."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bot", default=DEMO_BOT_SLUG, help="Short name of the bot.")
        parser.add_argument("--locale", choices=LOCALES, help="Only this language.")
        parser.add_argument("--questions", type=int, default=100, help="How many are asked.")

    def handle(self, *args: Any, **options: Any) -> None:
        bot = Bot.objects.filter(slug=options["bot"]).first()
        if bot is None:
            raise CommandError(f"There is no bot {options['bot']!r}.")
        engines, libraries = EngineShelf(), LibraryShelf()
        try:
            for locale in [options["locale"]] if options["locale"] else LOCALES:
                unanswered = demo.unanswered(locale) if bot.slug == DEMO_BOT_SLUG else []
                chosen = trials(bot, locale, unanswered)
                random.Random(SEED).shuffle(chosen)  # noqa: S311 - a sample, no secret
                self._calibrate(bot, locale, chosen[: options["questions"]], engines, libraries)
        except (EngineError, EmbeddingError, NotEnough) as error:
            raise CommandError(str(error)) from error
        finally:
            engines.close()

    def _calibrate(
        self,
        bot: Bot,
        locale: str,
        chosen: list[Trial],
        engines: EngineShelf,
        libraries: LibraryShelf,
    ) -> None:
        served = engines.for_bot(bot)
        if prompts.names_answers(served.style):
            # Its answers would be judged as words that it never learned to write.
            raise CommandError(
                "This model names approved answers. How sure to be of it was learned before it was "
                "published: train a model to learn it anew."
            )
        if served.search is not None:
            # Said before minutes are spent.
            refuse_learned(served.search.embedder)
        library = libraries.library(bot, locale)
        outcomes = [
            attempt(trial, bot, locale, served.engine, library, libraries.embedder)
            for trial in tqdm(chosen, desc=f"Asking in {locale}", disable=None)
        ]
        made = calibrate_confidence(
            served.deployment,
            locale,
            libraries.embedder,
            evidence=[each.evidence for each in outcomes],
            is_right=[each.is_right for each in outcomes],
        )
        right = sum(each.is_right for each in outcomes)
        self.stdout.write(f"{locale}: {right} of {len(outcomes)} answers were right.")
        for point in made.curve:
            if point["count"]:
                self.stdout.write(
                    f"  confidence about {point['confidence']:.2f}: "
                    f"{point['right']:.0%} of {point['count']:.0f} right"
                )

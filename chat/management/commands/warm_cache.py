"""Answer the most frequent questions with the model that serves now."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from chat.answer_cache import AnswerCache
from chat.deployments import EngineShelf
from chat.inference.engine import EngineError
from chat.knowledge.embedding import EmbeddingError
from chat.libraries import LibraryShelf
from chat.models import Bot
from chat.models.fields import LOCALES
from chat.selectors import DEMO_BOT_SLUG
from chat.warming import Warmed, frequent_questions, warm


class Command(BaseCommand):
    help = (
        "After a change of model or instructions: let it answer what customers ask most, keep the "
        "answers for them, and list those that now say something else than before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bot", default=DEMO_BOT_SLUG, help="Short name of the bot.")
        parser.add_argument("--questions", type=int, default=50, help="At most so many a language.")

    def handle(self, *args: Any, **options: Any) -> None:
        bot = Bot.objects.filter(slug=options["bot"]).first()
        if bot is None:
            raise CommandError(f"There is no bot {options['bot']!r}.")
        engines, cache = EngineShelf(), AnswerCache()
        try:
            served = engines.for_bot(bot)
            libraries = served.search or LibraryShelf()
            for locale in LOCALES:
                frequent = frequent_questions(
                    bot,
                    locale,
                    visitors=settings.CHAT_CACHE_AFTER_VISITORS,
                    limit=options["questions"],
                )
                library = libraries.library(bot, locale)
                warmed = [
                    warm(each, served, library, libraries.embedder, cache)
                    for each in tqdm(frequent, desc=f"Answering in {locale}", disable=None)
                ]
                self._tell(locale, warmed)
        except (EngineError, EmbeddingError) as error:
            raise CommandError(str(error)) from error
        finally:
            engines.close()

    def _tell(self, locale: str, warmed: list[Warmed]) -> None:
        kept = sum(each.is_kept for each in warmed)
        self.stdout.write(f"{locale}: {len(warmed)} frequent questions answered, {kept} kept.")
        for each in warmed:
            if each.has_changed:
                self.stdout.write(
                    f"  {each.question}\n    before: {each.before}\n    now:    {each.now}"
                )

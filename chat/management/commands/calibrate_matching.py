"""Choose when an approved answer may be served by meaning alone."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat import demo
from chat.knowledge.embedding import EmbeddingError, open_embedder
from chat.libraries import embedder_spec
from chat.models import Bot
from chat.models.fields import LOCALES
from chat.selectors import DEMO_BOT_SLUG
from chat.services.calibrating import NotEnough, calibrate_matching


class Command(BaseCommand):
    help = (
        "Choose the thresholds for serving approved answers by meaning, on the bot's own wordings "
        "held out in turn. Run it again when the embedder or much of the knowledge changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bot", default=DEMO_BOT_SLUG, help="Short name of the bot.")
        parser.add_argument("--locale", choices=LOCALES, help="Only this language.")
        parser.add_argument(
            "--false-hits", type=float, default=0.01, help="Share of wrong answers allowed."
        )
        parser.add_argument(
            "--unanswered",
            type=Path,
            help="A text file, one question a line that no approved answer fits.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        bot = Bot.objects.filter(slug=options["bot"]).first()
        if bot is None:
            raise CommandError(f"There is no bot {options['bot']!r}.")
        try:
            embedder = open_embedder(embedder_spec())
            for locale in [options["locale"]] if options["locale"] else LOCALES:
                made = calibrate_matching(
                    bot,
                    locale,
                    embedder,
                    unanswered=_unanswered(bot, locale, options["unanswered"]),
                    false_hits=options["false_hits"],
                )
                self.stdout.write(
                    f"{locale}: rank {made.values['rank']:.2f}, margin {made.values['margin']:.2f}: "
                    f"{made.recall:.1%} of {made.samples} questions served, "
                    f"{made.precision:.1%} of these rightly."
                )
        except (EmbeddingError, NotEnough, OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error


def _unanswered(bot: Bot, locale: str, file: Path | None) -> list[str]:
    if file is not None:
        return [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
    return demo.unanswered(locale) if bot.slug == DEMO_BOT_SLUG else []

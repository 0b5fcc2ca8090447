"""A first bot and a first person of the staff, once."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from chat import demo
from chat.models import Bot, Deployment
from chat.models.fields import LOCALES
from chat.selectors import DEMO_BOT_SLUG
from chat.services import calibrating, knowledge
from moderation.services import audit


class Command(BaseCommand):
    help = "Create the demo bot and, if there is no staff yet, a user with a generated password."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        bot, created = Bot.objects.get_or_create(
            slug=DEMO_BOT_SLUG,
            defaults={
                "name": demo.NAME,
                "instructions": demo.INSTRUCTIONS,
                "welcome": demo.WELCOME,
                "starter_questions": demo.STARTER_QUESTIONS,
                "product_names": demo.PRODUCT_NAMES,
            },
        )
        if created:
            artifact = f"{settings.CHAT_MODEL}-{settings.CHAT_PRECISION}"
            deployment = Deployment.objects.create(
                bot=bot, version=1, artifact=artifact, is_active=True
            )
            if artifact == demo.JUDGED_ARTIFACT:
                for locale, right in demo.RIGHT.items():
                    calibrating.keep_share_of_right(
                        deployment, locale, right=right, judged=demo.JUDGED
                    )
            audit.record("bot.added", target=f"bot:{bot.public_id}", bot=bot.slug)
            self.stdout.write(f"Demo bot {bot.name!r} created.")
        if not bot.curated_answers.exists():
            for locale in LOCALES:
                new, _changed = knowledge.save_all(
                    bot, locale, demo.knowledge(locale), author=None, tell_runners=False
                )
                self.stdout.write(f"{new} approved answers in {locale}.")
        users = get_user_model().objects
        if not users.filter(is_staff=True).exists():
            password = secrets.token_urlsafe(12)
            made = users.create_superuser("admin", password=password)
            audit.record("user.added", target=f"user:{made.pk}", facts={"is_superuser": True})
            self.stdout.write(
                "The first sign-in sets up an authenticator app. To look around without one: "
                "CSBOT_SECOND_FACTOR=optional\n"
                if settings.SECOND_FACTOR != "optional"
                else "CSBOT_SECOND_FACTOR IS OPTIONAL: a password alone opens the console.\n"
            )
            self.stdout.write(
                "Staff user created, the password is shown this once:\n"
                f"  user      admin\n  password  {password}"
            )

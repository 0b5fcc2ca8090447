"""A first bot and a first person of the staff, once."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from chat import demo
from chat.models import Bot, Deployment
from chat.selectors import DEMO_BOT_SLUG


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
            },
        )
        if created:
            artifact = f"{settings.CHAT_MODEL}-{settings.CHAT_PRECISION}"
            Deployment.objects.create(bot=bot, version=1, artifact=artifact, is_active=True)
            self.stdout.write(f"Demo bot {bot.name!r} created.")
        users = get_user_model().objects
        if not users.filter(is_staff=True).exists():
            password = secrets.token_urlsafe(12)
            users.create_superuser("admin", password=password)
            self.stdout.write(
                "Staff user created, the password is shown this once:\n"
                f"  user      admin\n  password  {password}"
            )

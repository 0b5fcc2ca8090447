"""Goes back to the other model again and again, until it is killed."""

import sys

import django


def main(slug: str) -> None:
    django.setup()
    from django.contrib.auth.models import User

    from chat.models import Bot
    from training.services import promoting

    bot = Bot.objects.get(slug=slug)
    by, _ = User.objects.get_or_create(username="promoter", is_superuser=True)
    while True:
        promoting.roll_back(bot, by)


if __name__ == "__main__":
    main(sys.argv[1])

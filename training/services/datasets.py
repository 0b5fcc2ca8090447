"""Datasets of a bot: found by their short name, or made."""

from django.contrib.auth.models import User

from chat.models import Bot
from training.models import Dataset


def named_or_new(slug: str, bot: Bot, *, name: str = "", author: User | None = None) -> Dataset:
    """The dataset with this short name; not yet saved if there is none.

    Raises ``ValueError`` when it is another bot's.
    """
    dataset = Dataset.objects.select_related("bot").filter(slug=slug).first()
    if dataset is None:
        return Dataset(slug=slug, name=name or slug, bot=bot, created_by=author)
    if dataset.bot_id != bot.pk:
        raise ValueError(f"The dataset {slug!r} belongs to the bot {dataset.bot.slug!r}.")
    return dataset

"""Datasets of a bot: found by their short name, or made."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Bot
from moderation.services import audit
from training.models import Dataset


class AnotherBots(ValueError):
    """The short name is taken; the text says by whose dataset, to a person."""


def named_or_new(slug: str, bot: Bot, *, name: str = "", author: User | None = None) -> Dataset:
    """The dataset with this short name; not yet saved if there is none.

    Raises :class:`AnotherBots`.
    """
    dataset = Dataset.objects.select_related("bot").filter(slug=slug).first()
    if dataset is None:
        return Dataset(slug=slug, name=name or slug, bot=bot, created_by=author)
    if dataset.bot_id != bot.pk:
        raise AnotherBots(_("This dataset belongs to another bot: %s.") % dataset.bot.name)
    return dataset


@transaction.atomic
def keep(dataset: Dataset) -> None:
    """Save a dataset that :func:`named_or_new` made; one that is known stays as it is."""
    if not dataset._state.adding:  # noqa: SLF001 - Django's own name for it
        return
    dataset.save()
    audit.record("dataset.added", target=f"dataset:{dataset.public_id}", bot=dataset.bot.slug)

"""Names that move: the champion serves a bot, the candidate asks to."""

from chat.models import Bot
from training.models import ModelAlias, ModelVersion

Name = ModelAlias.Name


def point(bot: Bot, name: Name, version: ModelVersion | None) -> None:
    """Move the name to ``version``, or take it away."""
    if version is None:
        ModelAlias.objects.filter(bot=bot, name=name).delete()
    else:
        ModelAlias.objects.update_or_create(bot=bot, name=name, defaults={"model_version": version})


def of(bot: Bot, name: Name) -> ModelVersion | None:
    """The version that has the name; None where none does."""
    alias = ModelAlias.objects.filter(bot=bot, name=name).select_related("model_version").first()
    return alias.model_version if alias else None


def crown(bot: Bot, version: ModelVersion | None) -> None:
    """What serves is the champion, and no candidate any more. None for a model that was not
    trained here."""
    point(bot, Name.CHAMPION, version)
    if version is not None:
        ModelAlias.objects.filter(bot=bot, name=Name.CANDIDATE, model_version=version).delete()

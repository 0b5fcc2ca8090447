"""Another model serves a bot from now on: one row, exactly one of them active, whatever happens.

Runners watch the rows, see :mod:`chat.swapping`; nothing is restarted. Whether a model deserves it
is decided elsewhere: this writes what was decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from chat.models import Bot, Calibration, Deployment, Shadow, Split
from chat.services import publishing, shadow_answers


class Outdated(Exception):
    """Something else serves the bot than what this was decided against."""


@dataclass(frozen=True, slots=True)
class Model:
    """What is to answer. ``confidence`` are weights by language as
    :func:`chat.libraries.weights_of` reads them, for a model that learned them."""

    artifact: str
    engine: str = "auto"
    manifest_sha256: str = ""
    confidence: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def deploy(
    bot: Bot, model: Model, *, replacing: Deployment | None, by: User | None = None
) -> Deployment:
    """Make a new deployment of ``model`` the active one of ``bot``, instead of ``replacing``.

    Raises :class:`Outdated` when another one was put into service meanwhile: of two people who
    decide at once, the second has to look again.
    """
    held = lock(bot)
    before = held.deployments.filter(is_active=True).first()
    if (before and before.pk) != (replacing and replacing.pk):
        raise Outdated
    held.deployments.filter(is_active=True).update(is_active=False)
    # A challenger was compared with what has just gone.
    Split.objects.filter(bot=held, ended_at=None).update(ended_at=timezone.now())
    made = _made(held, model, by=by, is_active=True)
    publishing.call_runners("deployment", bot=held.pk)
    for shadow in Shadow.objects.filter(bot=held, ended_at=None).select_related("bot"):
        shadow_answers.end(shadow, Shadow.Reason.OUTDATED)
    return made


def stand_by(held: Bot, model: Model, *, by: User | None = None) -> Deployment:
    """A deployment beside the active one of a bot that is locked; see :mod:`chat.services.splitting`."""
    return _made(held, model, by=by, is_active=False)


def lock(bot: Bot) -> Bot:
    """Inside a transaction: nobody else deploys for this bot before the commit."""
    return Bot.objects.select_for_update().get(pk=bot.pk)


def model_of(deployment: Deployment) -> Model:
    """What a deployment serves, with the confidence that was calibrated for it."""
    newest: dict[str, Any] = {}
    kept = Calibration.objects.filter(
        deployment=deployment, purpose=Calibration.Purpose.CONFIDENCE
    ).order_by("pk")
    for locale, embedder, values in kept.values_list("locale", "embedder", "values"):
        newest[locale] = {**values, "embedder": embedder}
    return Model(deployment.artifact, deployment.engine, deployment.manifest_sha256, newest)


def _made(held: Bot, model: Model, *, by: User | None, is_active: bool) -> Deployment:
    newest = held.deployments.aggregate(newest=Max("version"))["newest"]
    made = Deployment.objects.create(
        bot=held,
        version=int(newest or 0) + 1,
        engine=model.engine,
        artifact=model.artifact,
        manifest_sha256=model.manifest_sha256,
        created_by=by,
        is_active=is_active,
    )
    _keep_confidence(made, model.confidence)
    return made


def _keep_confidence(deployment: Deployment, confidence: Mapping[str, Any]) -> None:
    Calibration.objects.bulk_create(
        Calibration(
            bot=deployment.bot,
            deployment=deployment,
            purpose=Calibration.Purpose.CONFIDENCE,
            # Without a name: whatever embedder finds what is near.
            embedder=weights.get("embedder", ""),
            locale=locale,
            values={"intercept": weights["intercept"], "weights": weights["weights"]},
        )
        for locale, weights in confidence.items()
    )

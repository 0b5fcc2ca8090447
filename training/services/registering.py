"""A run's model becomes one that can be deployed: exactly once, whatever dies meanwhile.

The row claims the next number, the folders are put under it, the transaction ends. Who dies in
between leaves folders that no row names; the next one to get that number puts its own in their
place. Folders of a run are linked, not moved, so publishing may begin again.
"""

import functools
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext

from chat.inference import artifacts
from chat.models import Deployment
from moderation.actors import Actor
from moderation.services import audit
from training import places
from training.crash_points import crash_point
from training.failures import RunFailure
from training.models import Evaluation, ModelAlias, ModelVersion, TrainingRun
from training.services import aliases, evaluating, exporting, runs, signatures
from training.services.runs import Claim


def publish(run: TrainingRun, folder: Path, fence: int) -> ModelVersion:
    """Register the run's export; a second call returns the same row.

    Raises :class:`~training.failures.LostLease`, :class:`RunFailure` for a model that recites
    what it saw once, and ``ArtifactError`` when the run's files are not whole any more: the
    stage that made them has to make them again.
    """
    if _recites(run):
        raise RunFailure("memorised", "The model recites what it was shown only once.")
    exported = exporting.chosen_or_none(folder)
    if exported is None:
        raise artifacts.ArtifactError("The run's export is damaged.")
    weights = folder / exporting.WEIGHTS
    artifacts.verify(weights)
    with transaction.atomic():
        # From here to the commit nobody takes the run over.
        runs.hold(Claim(run, fence))
        if (known := ModelVersion.objects.filter(run=run).first()) is not None:
            return known
        version = _register(run, exported, evaluating.confidence(folder))
        signatures.sign(version)
        aliases.point(run.bot, aliases.Name.CANDIDATE, version)
        _link(exported.folder, settings.MODELS_DIR / "serving" / version.artifact)
        _link(weights, places.weights_folder(version.weights))
        crash_point("publishing.moved")
        Evaluation.objects.filter(run=run).update(model_version=version, artifact=version.artifact)
        audit.record(
            "model.registered",
            target=f"model_version:{version.public_id}",
            bot=run.bot.slug,
            facts={"run": str(run.public_id), "manifest": version.manifest_sha256},
        )
    crash_point("publishing.recorded")
    return version


def _register(
    run: TrainingRun, exported: exporting.Exported, confidence: dict[str, Any]
) -> ModelVersion:
    """The row, which is what nobody else can have with this number."""
    name = run.bot.slug[:50]
    number = _next_number(name)
    manifest = artifacts.read_manifest(exported.folder)
    facts = manifest.facts
    return ModelVersion.objects.create(
        name=name,
        number=number,
        run=run,
        base=run.base,
        artifact=f"{name}-v{number}-{facts.precision}",
        weights=f"{name}-v{number}",
        format=facts.format,
        precision=facts.precision,
        size=sum(each.size for each in manifest.files),
        manifest_sha256=artifacts.digest(exported.folder),
        parity=exported.figures,
        confidence=confidence,
    )


class NotDeletable(Exception):
    """The model is still needed; the text says what for."""


@transaction.atomic
def delete(version: ModelVersion, *, by: User | None = None) -> None:
    """Forget a model, its files included. Raises :class:`NotDeletable`."""
    if ModelAlias.objects.filter(model_version=version, name=ModelAlias.Name.CHAMPION).exists() or (
        Deployment.objects.filter(artifact=version.artifact, is_active=True).exists()
    ):
        raise NotDeletable(gettext("This model serves a bot: promote another one first."))
    if (child := version.continued_by.first()) is not None:
        raise NotDeletable(
            gettext(
                "Run %(run)d continued from this model: it belongs to where that one came from."
            )
            % {"run": child.pk}
        )
    version.aliases.all().delete()
    folders = [settings.MODELS_DIR / "serving" / version.artifact]
    if version.weights:
        folders.append(places.weights_folder(version.weights))
    facts = {"name": version.name, "number": version.number, "artifact": version.artifact}
    target = f"model_version:{version.public_id}"
    version.delete()
    for folder in folders:
        transaction.on_commit(functools.partial(shutil.rmtree, folder, ignore_errors=True))
    audit.record("model.deleted", target=target, facts=facts, by=Actor.of(by) if by else None)


def _recites(run: TrainingRun) -> bool:
    suites = run.evaluations.filter(status=Evaluation.Status.FINISHED).values_list(
        "suites", flat=True
    )
    return any(not each.get("memory", {}).get("is_safe", True) for each in suites)


def _next_number(name: str) -> int:
    newest = ModelVersion.objects.filter(name=name).aggregate(newest=Max("number"))["newest"]
    return int(newest or 0) + 1


def _link(source: Path, target: Path) -> None:
    """The same sealed files at another place, whole or not at all."""
    with artifacts.building(target) as partial:
        artifacts.fill(partial, source)

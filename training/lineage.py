"""Which models learned from which dataset versions, themselves or through the model they continue,
and which encoders of the search did."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from chat.inference import artifacts
from chat.inference.artifacts import ArtifactError
from training.models import DatasetVersion, ModelVersion, TrainingRun

ENCODER = "encoder:"
"""What the id of an encoder begins with where erasures keep it, beside the ids of models."""


@dataclass(frozen=True, slots=True)
class Descendant:
    """A model that was made of one of the versions; ``through`` is the model that it continues."""

    model: ModelVersion
    version: int
    through: ModelVersion | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "model": str(self.model),
            "id": str(self.model.public_id),
            "dataset_version": self.version,
            "through": str(self.through) if self.through else "",
        }


def descendants(versions: Collection[int]) -> list[Descendant]:
    """The models made of these dataset versions (primary keys), and what was made of those."""
    direct = ModelVersion.objects.filter(run__dataset_version__in=versions).select_related("run")
    found = {each.pk: Descendant(each, _version(each)) for each in direct}
    last = list(found.values())
    while last:
        parents = {each.model.pk: each for each in last}
        heirs = ModelVersion.objects.filter(run__parent__in=parents).select_related("run")
        last = [
            Descendant(each, parents[_parent(each)].version, parents[_parent(each)].model)
            for each in heirs
            if each.pk not in found
        ]
        found |= {each.model.pk: each for each in last}
    return sorted(found.values(), key=lambda each: each.model.pk)


@dataclass(frozen=True, slots=True)
class TunedEncoder:
    """An encoder that ``tune_embedder`` made of the dataset version with this primary key."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"search encoder {self.name}"

    def to_json(self) -> dict[str, Any]:
        return {
            "model": str(self),
            "id": f"{ENCODER}{self.name}",
            "dataset_version": self.version,
            "through": "",
        }


def encoder_source(version: DatasetVersion) -> str:
    """What the manifest of an encoder says it was made of."""
    return f"tuned:{version.dataset.slug}@{version.number}"


def encoders(versions: Collection[int]) -> list[TunedEncoder]:
    """The encoders of this machine that were made of these dataset versions (primary keys)."""
    made = DatasetVersion.objects.filter(pk__in=versions).select_related("dataset")
    sources = {encoder_source(each): each.pk for each in made}
    found = []
    for folder in sorted((settings.MODELS_DIR / "embedders").glob("*")):
        try:
            source = artifacts.read_manifest(folder).facts.source
        except ArtifactError:
            continue
        if source in sources:
            found.append(TunedEncoder(folder.name, sources[source]))
    return found


def runs_with(versions: Collection[int]) -> list[TrainingRun]:
    """Runs whose folders hold rows of these versions: their own, or replayed of their parent's."""
    own = TrainingRun.objects.filter(dataset_version__in=versions)
    replayed = TrainingRun.objects.filter(parent__run__dataset_version__in=versions)
    return list((own | replayed).distinct().order_by("pk"))


def _version(model: ModelVersion) -> int:
    assert model.run is not None
    return model.run.dataset_version_id


def _parent(model: ModelVersion) -> int:
    assert model.run is not None
    assert model.run.parent_id is not None
    return model.run.parent_id

"""Which models learned from which dataset versions, themselves or through the model they continue."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from chat.models import Bot
from training.models import ModelVersion, TrainingRun


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


def with_wordings(bot: Bot, found: Sequence[Descendant]) -> list[Descendant]:
    """``found``, and the models of ``bot`` whose search learned: from approved wordings, too, which may
    stand in no dataset version."""
    known = {each.model.pk for each in found}
    searched = ModelVersion.objects.filter(run__bot=bot, run__recipe__search__passes__gt=0)
    more = [
        Descendant(each, _version(each))
        for each in searched.exclude(pk__in=known).select_related("run")
    ]
    return sorted([*found, *more], key=lambda each: each.model.pk)


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

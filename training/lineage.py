"""Which models learned from which dataset versions, themselves or through the model they continue."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from chat.models import Bot
from training.models import ModelVersion, TrainingRun

_LISTS = "questions"
"""The style of runs that learn lists of approved wordings, which may stand in no dataset version."""


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
    return _with_heirs(ModelVersion.objects.filter(run__dataset_version__in=versions))


def _with_heirs(direct: QuerySet[ModelVersion]) -> list[Descendant]:
    """These models, and those that continue them or one that does."""
    found = {each.pk: Descendant(each, _version(each)) for each in direct.select_related("run")}
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
    """``found``, and the models of ``bot`` that learned from approved wordings, too, which may stand in
    no dataset version: their search did, or they learned lists of them, or continue one that did."""
    own = ModelVersion.objects.filter(run__bot=bot)
    searched = own.filter(run__recipe__search__passes__gt=0).select_related("run")
    # A search is tuned anew in each run: nobody inherits it.
    more = [Descendant(each, _version(each)) for each in searched]
    listed = _with_heirs(own.filter(run__recipe__data__style=_LISTS))
    by_model = {each.model.pk: each for each in (*more, *listed, *found)}
    return sorted(by_model.values(), key=lambda each: each.model.pk)


def runs_with(versions: Collection[int], *, wordings_of: Bot | None = None) -> list[TrainingRun]:
    """Runs whose folders hold rows of these versions: their own, or replayed of their parent's; and
    those whose folders hold lists of the approved wordings of a bot."""
    holding = Q(dataset_version__in=versions) | Q(parent__run__dataset_version__in=versions)
    if wordings_of is not None:
        holding |= Q(bot=wordings_of, recipe__data__style=_LISTS)
    return list(TrainingRun.objects.filter(holding).distinct().order_by("pk"))


def _version(model: ModelVersion) -> int:
    assert model.run is not None
    return model.run.dataset_version_id


def _parent(model: ModelVersion) -> int:
    assert model.run is not None
    assert model.run.parent_id is not None
    return model.run.parent_id

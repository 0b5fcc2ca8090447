"""What a run is to be made of, checked before it is planned or queued."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from chat.inference import artifacts
from chat.inference.fetching import default_name
from chat.models import Bot
from training import places
from training.models import DatasetVersion, ModelVersion, TrainingRun
from training.trainer import recipe as recipes
from training.trainer.recipe import RecipeError


class OrderRefused(Exception):
    """There is no such recipe, or what it needs is not here; safe to show."""


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that decides what comes out of a run. ``recipe`` has its overrides applied."""

    bot: Bot
    dataset_version: DatasetVersion
    recipe_name: str
    recipe: dict[str, Any]
    base: str
    device: str
    overrides: dict[str, Any] = field(default_factory=dict)
    seed: int = 1
    parent: ModelVersion | None = None

    def run(self) -> TrainingRun:
        """The run as it will be, not yet stored."""
        return TrainingRun(**{name: getattr(self, name) for name in self.__slots__})


def make_order(
    version: DatasetVersion,
    recipe_name: str,
    *,
    overrides: Mapping[str, Any] | None = None,
    seed: int = 1,
    parent: ModelVersion | None = None,
) -> Order:
    """Resolve the recipe and find the weights to start from. Raises :class:`OrderRefused`."""
    try:
        recipe = recipes.load(recipe_name, overrides)
    except RecipeError as error:
        raise OrderRefused(str(error)) from error
    if recipe.tensorboard and find_spec("tensorboard") is None:
        raise OrderRefused("The package tensorboard is not installed: train without it.")
    order = Order(
        bot=version.dataset.bot,
        dataset_version=version,
        recipe_name=recipe_name,
        recipe=recipe.as_dict(),
        base=default_name(recipe.base) if ":" in recipe.base else recipe.base,
        device=places.device(),
        overrides=dict(overrides or {}),
        seed=seed,
        parent=parent,
    )
    try:
        artifacts.read_manifest(places.start_folder(order.run()))
    except artifacts.ArtifactError as error:
        source = f" --source {recipe.base}" if ":" in recipe.base else ""
        raise OrderRefused(
            f"The model {order.base} is not here: fetch it first (manage.py fetch_model{source})."
        ) from error
    return order

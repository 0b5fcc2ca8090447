"""What a run is to be made of, checked before it is planned or queued."""

from dataclasses import dataclass, field
from typing import Any

from chat.models import Bot
from training.models import DatasetVersion, ModelVersion


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

    def fields(self) -> dict[str, Any]:
        """What the run's row stores of it."""
        return {name: getattr(self, name) for name in self.__slots__}

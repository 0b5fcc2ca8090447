"""What staff choose before a training."""

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from chat.access import Staff
from chat.inference import artifacts
from training.access import datasets_of, model_versions_of
from training.models import DatasetVersion, ModelVersion
from training.services.ordering import Order, make_order
from training.trainer import recipe as recipes
from training.trainer.recipe import Recipe

DEFAULT_RECIPE = "smollm2_cpu"
OVERRIDES = {
    "epochs": "optimisation.epochs",
    "examples": "data.examples",
    "batch_size": "optimisation.batch_size",
    "learning_rate": "optimisation.learning_rate",
    "search_passes": "search.passes",
}
"""The fields that replace one of the recipe, if they are filled in."""


class VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: DatasetVersion) -> str:
        count = int(obj.counts.get("train", 0))
        return f"{obj} · {_('%d examples') % count}" + (f" · {obj.note}" if obj.note else "")


def _number(integer: bool, label: Any, help_text: Any, lowest: float) -> forms.Field:
    kind = forms.IntegerField if integer else forms.FloatField
    attributes = {"inputmode": "numeric" if integer else "decimal"}
    return kind(
        label=label,
        help_text=help_text,
        required=False,
        min_value=lowest,  # type: ignore[arg-type]  # whole where it has to be
        widget=UnfoldAdminTextInputWidget(attrs=attributes),
    )


class OrderForm(forms.Form):
    """One training. Raises :class:`~training.services.ordering.OrderRefused` from ``order``."""

    dataset_version = VersionField(
        DatasetVersion.objects.select_related("dataset__bot").order_by("-id"),
        label=_("dataset version"),
        widget=UnfoldAdminSelectWidget,
    )
    recipe = forms.ChoiceField(label=_("recipe"))
    parent = forms.ModelChoiceField(
        ModelVersion.objects.exclude(weights="").order_by("-id"),
        label=_("start from"),
        required=False,
        empty_label=_("the base model of the recipe"),
        help_text=_("An earlier model goes on learning, with some of its old examples."),
        widget=UnfoldAdminSelectWidget,
    )
    seed = forms.IntegerField(
        label=_("seed"),
        min_value=0,
        max_value=2**31 - 1,
        initial=1,
        help_text=_("The same seed and data give the same model."),
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
    )
    epochs = _number(False, _("passes"), _("How often each example is seen."), 0.01)
    examples = _number(True, _("examples at most"), _("0 takes all."), 0)
    batch_size = _number(True, _("batch size"), _("Smaller needs less memory."), 1)
    learning_rate = _number(False, _("learning rate"), _("Lower learns slower and safer."), 1e-7)

    search_passes = _number(
        False,
        _("passes of the search"),
        _("How often the search sees each question; 0: the search of the installation."),
        0,
    )

    def __init__(self, *args: Any, user: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions, parents = self.fields["dataset_version"], self.fields["parent"]
        versions.queryset = versions.queryset.filter(dataset__in=datasets_of(user))  # type: ignore[attr-defined]
        parents.queryset = parents.queryset.filter(pk__in=model_versions_of(user))  # type: ignore[attr-defined]
        self.recipes = {each.name: each for each in offered()}
        self.fields["recipe"].choices = [(name, name) for name in self.recipes]  # type: ignore[attr-defined]
        if chosen := self.recipes.get(str(self.data.get("recipe"))):
            self._show_defaults(chosen.as_dict())

    def order(self) -> Order:
        """What was chosen, once it is valid."""
        chosen = self.cleaned_data
        overrides = {
            path: chosen[name] for name, path in OVERRIDES.items() if chosen[name] is not None
        }
        return make_order(
            chosen["dataset_version"],
            chosen["recipe"],
            overrides=overrides,
            seed=chosen["seed"],
            parent=chosen["parent"],
        )

    def query(self) -> dict[str, str]:
        """What was typed, to come back to it."""
        return {name: str(self.data.get(name, "")) for name in self.fields if self.data.get(name)}

    def _show_defaults(self, recipe: dict[str, Any]) -> None:
        for name, path in OVERRIDES.items():
            section, key = path.split(".")
            self.fields[name].widget.attrs["placeholder"] = str(recipe[section][key])


def offered() -> list[Recipe]:
    """What can be trained here, the usual one first: its base is here, or can be fetched."""
    found = [recipes.load(name) for name in recipes.names()]
    return sorted(filter(_can_be_had, found), key=lambda each: each.name != DEFAULT_RECIPE)


def _can_be_had(recipe: Recipe) -> bool:
    is_usual, has_source = recipe.name == DEFAULT_RECIPE, ":" in recipe.base
    return (
        is_usual or has_source or artifacts.base_folder(settings.MODELS_DIR, recipe.base).exists()
    )


def defaults(versions: QuerySet[DatasetVersion]) -> dict[str, Any]:
    """What is chosen of them as long as nobody chose."""
    newest = versions.order_by("-id").first()
    return {"dataset_version": newest and newest.pk, "recipe": DEFAULT_RECIPE, "seed": 1}

"""Finished models, and the run that each came from."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from chat.access import Staff
from chat.console.pages import ReadOnlyPages
from chat.inference.artifacts import search_of
from training.access import model_versions_of
from training.console.own import OfDatasets
from training.console.promotion import PromotionPages
from training.console.words import note_text
from training.models import ModelVersion
from training.presentation import note_data


@admin.register(ModelVersion)
class ModelVersionAdmin(OfDatasets, PromotionPages, ReadOnlyPages):
    list_display = (
        "__str__", "part", "base", "format", "numbers", "weight", "run", "created_at", "promotion",
    )  # fmt: skip
    list_filter = ("name", "precision")
    list_select_related = ("run",)
    list_before_template = "training/models_head.html"
    fields = (
        "name", "number", "run", "base", "artifact", "weights", "format", "numbers", "weight",
        "search", "created_at",
    )  # fmt: skip
    readonly_fields: ClassVar = ["numbers", "weight", "search"]
    change_form_outer_before_template = "training/model.html"

    class Media:
        css: ClassVar = {"all": ("console/training.css", "console/evaluation.css")}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        found: QuerySet[ModelVersion] = super().get_queryset(request)
        return found.filter(pk__in=model_versions_of(request.user)).prefetch_related("aliases")

    @display(description=_("part"), label={"champion": "success", "candidate": "info"})
    def part(self, version: ModelVersion) -> tuple[str, Any] | str:
        names = {each.name: each.get_name_display() for each in version.aliases.all()}
        name = "champion" if "champion" in names else next(iter(names), "")
        return (name, names[name]) if name else "-"

    @admin.display(description="")
    def promotion(self, version: ModelVersion) -> str:
        address = reverse("admin:training_promotion", args=[version.pk])
        return format_html('<a href="{}">{}</a>', address, _("Promotion"))

    def mine(self, user: Staff) -> Q:
        return Q(pk__in=model_versions_of(user))

    @admin.display(description=_("number format"), ordering="precision")
    def numbers(self, version: ModelVersion) -> str:
        return version.precision

    @admin.display(description=_("searched with"))
    def search(self, version: ModelVersion) -> str:
        if search_of(settings.MODELS_DIR / "serving" / version.artifact) is None:
            return str(_("that of the installation"))
        said = version.run and version.run.events.filter(kind="search_tuned").last()
        return note_text(note_data(said)) if said else str(_("its own"))

    @admin.display(description=_("size"), ordering="size")
    def weight(self, version: Any) -> str:
        return filesizeformat(version.size)

"""Finished models, and the run that each came from."""

from typing import Any, ClassVar

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from chat.console.pages import ReadOnlyPages
from training.models import ModelVersion


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyPages):
    list_display = ("__str__", "base", "format", "numbers", "weight", "run", "created_at")
    list_filter = ("name", "precision")
    list_select_related = ("run",)
    list_before_template = "training/models_head.html"
    fields = (
        "name", "number", "run", "base", "artifact", "weights", "format", "numbers", "weight",
        "created_at",
    )  # fmt: skip
    readonly_fields: ClassVar = ["numbers", "weight"]

    @admin.display(description=_("number format"), ordering="precision")
    def numbers(self, version: ModelVersion) -> str:
        return version.precision

    @admin.display(description=_("size"), ordering="size")
    def weight(self, version: Any) -> str:
        return filesizeformat(version.size)

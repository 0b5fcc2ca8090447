"""Pages beside a model's list, in the console's frame; and lists that nobody edits by hand."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin


class Pages(ModelAdmin):
    """``section`` is the folder of its templates, and what the names of its addresses begin with."""

    section = "moderation"

    class Media:
        css: ClassVar = {"all": ("console/knowledge.css", "console/moderation.css")}

    def page(
        self, request: HttpRequest, template: str, title: Any, **context: Any
    ) -> TemplateResponse:
        return TemplateResponse(
            request,
            f"{self.section}/{template}.html",
            {
                **self.admin_site.each_context(request),
                "title": title,
                "opts": self.model._meta,  # noqa: SLF001 - Django's own public name for it
                "media": self.media,
                **context,
            },
        )

    def require(self, request: HttpRequest, *permissions: str) -> None:
        if not request.user.has_perms(permissions):
            raise PermissionDenied

    def route(self, route: str, view: Any, name: str) -> URLPattern:
        return path(  # type: ignore[no-any-return]
            route, self.admin_site.admin_view(view), name=f"{self.section}_{name}"
        )


class ReadOnly:
    """What the console shows but nobody edits by hand. First of a page's bases."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyPages(ReadOnly, Pages):
    """Both."""

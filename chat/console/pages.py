"""Pages beside a model's list, in the console's frame."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

STYLES = {"all": ("console/knowledge.css",)}


class Pages(ModelAdmin):
    """``section`` is the folder of its templates, and what the names of its addresses begin with."""

    section = "knowledge"

    class Media:
        css = STYLES

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


class ReadOnlyPages(Pages):
    """What is looked at and never edited by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def sent(request: HttpRequest) -> tuple[Any, ...]:
    """What was sent to a form: nothing was, until it was posted."""
    return (request.POST,) if request.method == "POST" else (None,)

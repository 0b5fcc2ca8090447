"""Pages beside a model's list, in the console's frame."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin


class Pages(ModelAdmin):
    """A model's pages beside its list: permission, template, and the frame of the console."""

    def page(
        self, request: HttpRequest, template: str, title: Any, **context: Any
    ) -> TemplateResponse:
        return TemplateResponse(
            request,
            f"moderation/{template}.html",
            {
                **self.admin_site.each_context(request),
                "title": title,
                "opts": self.model._meta,  # noqa: SLF001 - Django's own public name for it
                **context,
            },
        )

    def require(self, request: HttpRequest, permission: str) -> None:
        if not request.user.has_perm(permission):
            raise PermissionDenied

    def route(self, route: str, view: Any, name: str) -> URLPattern:
        return path(  # type: ignore[no-any-return]
            route, self.admin_site.admin_view(view), name=f"moderation_{name}"
        )


class ReadOnly(Pages):
    """What is looked at and never edited by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

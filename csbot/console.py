"""The staff console: Django's admin in one theme, its door, and the policy that the theme needs."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any
from urllib.parse import urlencode

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from unfold.sites import UnfoldAdminSite

from moderation.services import audit

# The theme's Alpine.js compiles expressions and sets styles. Scripts still come from here alone.
CONSOLE_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
}
# Open to staff whose second factor is still missing: where they give it, and the way out.
BEFORE_THE_DOOR = ("second_factor", "logout")


class ConsoleSite(UnfoldAdminSite):
    """Every page goes through :meth:`admin_view`: there it is decided who comes in."""

    def extra_urls(self) -> list[URLPattern]:
        """Pages beside no model's list."""
        # Not before there are models: sites are made while apps are loaded.
        from chat.console import analytics

        return analytics.urls(self)

    def admin_view(
        self, view: Callable[..., HttpResponseBase], cacheable: bool = False
    ) -> Callable[..., HttpResponseBase]:
        from csbot.accounts import confirming

        def confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if confirming.is_wanted(request):
                return confirming.asked(request)
            return view(request, *args, **kwargs)

        inside = super().admin_view(update_wrapper(confirmed, view), cacheable)

        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if super(ConsoleSite, self).has_permission(request) and not self.has_permission(
                request
            ):
                return HttpResponseRedirect(_with_next("admin:second_factor", request))
            page: HttpResponseBase = inside(request, *args, **kwargs)
            return page

        return csp_update(CONSOLE_POLICY)(update_wrapper(door, inside))

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff, with their second factor where one is demanded; asked once a request."""
        from csbot.accounts import door

        match = request.resolver_match
        if match is not None and match.url_name in BEFORE_THE_DOOR:
            return bool(super().has_permission(request))
        known: dict[str, Any] = request.__dict__
        if "console_is_open" not in known:
            known["console_is_open"] = door.is_open(request.user, request.session)
        return bool(known["console_is_open"])

    def get_urls(self) -> list[URLPattern]:
        return [
            path("second-factor/", self.admin_view(self.second_factor), name="second_factor"),
            path("confirm/", self.admin_view(self.confirm), name="confirm"),
            *super().get_urls(),
        ]

    @method_decorator(csp_update(CONSOLE_POLICY))
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        page: HttpResponseBase = super().login(request, extra_context)
        # For machines; people read it on the page.
        if isinstance(page, TemplateResponse) and page.context_data:
            form = page.context_data.get("form")
            if form is not None and form.has_error("__all__", "locked_out"):
                page.status_code = 429
        return page

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """One's own password, on record."""
        with transaction.atomic():
            page: HttpResponseBase = super().password_change(request, extra_context)
            if request.method == "POST" and page.status_code == 302:
                audit.record("user.password_changed", target=f"user:{request.user.pk}")
        return page

    def second_factor(self, request: HttpRequest) -> HttpResponseBase:
        from csbot.accounts import pages

        return pages.second_factor_page(request, self.each_context(request))

    def confirm(self, request: HttpRequest) -> HttpResponseBase:
        from csbot.accounts import pages

        return pages.confirm_page(request, self.each_context(request))


def _with_next(name: str, request: HttpRequest) -> str:
    return f"{reverse(name)}?{urlencode({'next': request.get_full_path()})}"

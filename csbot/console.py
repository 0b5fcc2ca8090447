"""The staff console: Django's admin in one theme, with the policy that the theme needs."""

from collections.abc import Callable
from typing import Any

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from unfold.sites import UnfoldAdminSite

# The theme's Alpine.js compiles expressions and sets styles. Scripts still come from here alone.
CONSOLE_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
}


class ConsoleSite(UnfoldAdminSite):
    def admin_view(
        self, view: Callable[..., HttpResponseBase], cacheable: bool = False
    ) -> Callable[..., HttpResponseBase]:
        return csp_update(CONSOLE_POLICY)(super().admin_view(view, cacheable))

    @method_decorator(csp_update(CONSOLE_POLICY))
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        page: HttpResponseBase = super().login(request, extra_context)
        return page

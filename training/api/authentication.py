"""Staff read through the API in the session of their console: the same door, the same permissions."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.module_loading import import_string
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class StaffAuthentication(BaseAuthentication):
    """The console's cookie. For reading alone: nothing here asks for the token that a form carries,
    nor for the password once more."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        asked = request._request  # noqa: SLF001 - DRF's own name for what Django was asked
        is_open = import_string(settings.CHAT_STAFF_DOOR)(asked.user, asked.session)
        return (asked.user, None) if is_open else None  # type: ignore[return-value]  # staff

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class MayLookAtModels(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        return isinstance(user, User) and user.has_perm("training.view_modelversion")


class StaffScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = StaffAuthentication
    name = "staffSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The session of somebody who is in the console.",
        }

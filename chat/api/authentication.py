"""Secrets in the Authorization header; no cookie is ever looked at."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from chat.access import Unauthenticated, access_api_key, access_visitor
from chat.models import ApiKey, Visitor


class VisitorAuthentication(BaseAuthentication):
    """``Authorization: Visitor TOKEN``: a widget."""

    def authenticate(self, request: Request) -> tuple[None, Visitor] | None:
        token = _secret(request, "visitor")
        return None if token is None else (None, access_visitor(token))

    def authenticate_header(self, request: Request) -> str:
        return "Visitor"


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer KEY``: a company's own server."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        key = _secret(request, "bearer")
        return None if key is None else (None, access_api_key(key))

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _secret(request: Request, scheme: str) -> str | None:
    """The secret of that scheme, or None when there is none."""
    words = get_authorization_header(request).decode("latin-1").split()
    if not words or words[0].lower() != scheme:
        return None
    if len(words) != 2:
        raise Unauthenticated
    return words[1]


class VisitorScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = VisitorAuthentication
    name = "visitorToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Visitor TOKEN`, from registering a visitor.",
        }


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of the bot."}

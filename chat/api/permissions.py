"""Who may call the API. What they may see is decided by :mod:`chat.access`."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from chat.models import ApiKey, Visitor


class DenyAll(BasePermission):
    """The default: an endpoint that names no permission is closed."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class IsVisitor(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Visitor)


class IsServer(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, ApiKey)


class IsVisitorOrServer(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Visitor | ApiKey)

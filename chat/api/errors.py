"""Every error of the API is ``{"code": ..., "message": ...}``."""

from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as default_handler

from chat.access import Unauthenticated
from chat.refusals import CAUSES, explain

CODES = {400: "invalid", 401: "unauthenticated", 403: "unauthenticated", 404: "not_found"}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Refusals of our services and of DRF in one shape; None lets a real fault surface."""
    if isinstance(error, exceptions.NotAuthenticated | exceptions.PermissionDenied):
        # Who lacks the right credential is asked for it, whatever else they sent.
        error = Unauthenticated()
    if isinstance(error, CAUSES):
        refusal = explain(error)
        headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else {}
        if refusal.status == 401:
            headers["WWW-Authenticate"] = context["view"].get_authenticate_header(
                context["request"]
            )
        body = {"code": refusal.code, "message": refusal.message}
        return Response(body, status=refusal.status, headers=headers)
    response = default_handler(error, context)
    if response is not None:
        code = CODES.get(response.status_code, "invalid")
        response.data = {"code": code, "message": _sentence(response.data)}
    return response


def _sentence(data: Any) -> str:
    """The messages of DRF's nested error structure in one line, with the fields' names."""
    if isinstance(data, dict):
        return " ".join(
            _sentence(value) if field == "detail" else f"{field}: {_sentence(value)}"
            for field, value in data.items()
        )
    if isinstance(data, list):
        return " ".join(_sentence(item) for item in data)
    return str(data)

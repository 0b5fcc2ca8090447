"""Why something was refused to an agent, in the agent's language."""

from typing import Any

from django.utils.translation import gettext as _

from chat import refusals
from chat.inbox.requests import MayNot
from chat.services.agents import NothingToAnswer
from chat.services.takeover import AlreadyTaken, CannotAnswer, NotTaken

_OWN = (MayNot, NothingToAnswer, AlreadyTaken, CannotAnswer, NotTaken)
CAUSES = (*refusals.CAUSES, *_OWN)


def error_frame(error: Exception, frame: dict[str, Any]) -> dict[str, Any]:
    """The ``error`` event that answers ``frame``."""
    if not isinstance(error, _OWN):
        return refusals.error_frame(error, frame)
    code, message = _explain(error)
    answer: dict[str, Any] = {"type": "error", "code": code, "message": message}
    if isinstance(kind := frame.get("type"), str):
        answer["request"] = kind
    if client_message_id := frame.get("client_message_id"):
        answer["client_message_id"] = str(client_message_id)[:40]
    return answer


def _explain(error: Exception) -> tuple[str, str]:
    match error:
        case AlreadyTaken():
            return "taken", _("Somebody else has taken this conversation.")
        case NotTaken():
            return "not_taken", _("Take this conversation first.")
        case CannotAnswer():
            return "invalid", _("This person cannot answer in this conversation.")
        case NothingToAnswer():
            return "invalid", _("The customer has not asked anything yet.")
        case _:
            return "forbidden", _("You may not do this.")

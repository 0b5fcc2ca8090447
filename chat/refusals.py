"""Why something was refused, in the words of the wire. One table for REST and sockets."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from chat.access import NotFound, Unauthenticated
from chat.frames import FrameError
from chat.limits import RateLimited
from chat.services.conversations import InvalidText, NotAnAnswer
from chat.services.ratings import NothingToRate
from chat.services.replies import NotCancellable, NotRetryable
from chat.services.transcript import ConversationClosed


@dataclass(frozen=True, slots=True)
class Refusal:
    """``status`` is for HTTP; ``retry_after`` in seconds, 0 when waiting does not help."""

    code: str
    status: int
    message: str
    retry_after: int = 0


CAUSES = (
    NotFound,
    Unauthenticated,
    RateLimited,
    FrameError,
    ConversationClosed,
    InvalidText,
    NotAnAnswer,
    NotCancellable,
    NotRetryable,
    NothingToRate,
)


def explain(error: Exception) -> Refusal:
    """The refusal for one of :data:`CAUSES`, in the active language."""
    match error:
        case NotFound():
            return Refusal("not_found", 404, _("There is no such thing here."))
        case Unauthenticated():
            return Refusal("unauthenticated", 401, _("This needs a valid token."))
        case RateLimited():
            return Refusal(
                "rate_limited",
                429,
                _("That was too fast. Please wait a moment."),
                error.retry_after,
            )
        case FrameError():
            return Refusal(error.code, 400, str(error))
        case ConversationClosed():
            return Refusal("closed", 409, _("This conversation is closed."))
        case InvalidText():
            return Refusal("invalid", 400, str(error))
        case NotAnAnswer():
            return Refusal("invalid", 400, _("Only answers can be rated."))
        case NotCancellable():
            return Refusal("invalid", 400, _("This answer cannot be stopped any more."))
        case NotRetryable():
            return Refusal("invalid", 400, _("This answer cannot be tried again."))
        case NothingToRate():
            return Refusal("invalid", 400, _("There is no answer to rate yet."))
    raise TypeError(f"{type(error).__name__} is no refusal")


def error_frame(error: Exception, frame: dict[str, Any]) -> dict[str, Any]:
    """The ``error`` event that answers ``frame``."""
    refusal = explain(error)
    answer: dict[str, Any] = {"type": "error", "code": refusal.code, "message": refusal.message}
    if refusal.retry_after:
        answer["retry_after"] = refusal.retry_after
    if isinstance(kind := frame.get("type"), str):
        answer["request"] = kind
    if client_message_id := frame.get("client_message_id"):
        answer["client_message_id"] = str(client_message_id)[:40]
    return answer

"""What browsers may send: shapes of REST bodies and of socket frames, in one place."""

import json
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from chat import events
from chat.models import Feedback
from chat.models.conversions import LONGEST_NAME, NAME
from chat.models.fields import LOCALES


class TextField(serializers.CharField):
    """Text of a customer, kept exactly as typed; the service decides what is acceptable."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True, **kwargs)
        # NUL and surrogates are refused by the service, with a sentence for people.
        self.validators = []


class NoFields(serializers.Serializer[Any]):
    pass


class NewConversation(serializers.Serializer[Any]):
    locale = serializers.ChoiceField(choices=LOCALES, default="en")
    page = serializers.CharField(default="", allow_blank=True, max_length=2_000)


class Send(serializers.Serializer[Any]):
    client_message_id = serializers.UUIDField()
    text = TextField()


class MessageReference(serializers.Serializer[Any]):
    message_id = serializers.UUIDField()


class GiveFeedback(serializers.Serializer[Any]):
    value = serializers.ChoiceField(choices=["up", "down", "none"])
    reasons = serializers.ListField(
        child=serializers.ChoiceField(choices=Feedback.Reason.values), default=list, max_length=6
    )
    comment = serializers.CharField(
        default="", allow_blank=True, max_length=events.COMMENT_CHARACTERS
    )


class GiveFeedbackFrame(MessageReference, GiveFeedback):
    pass


class Rate(serializers.Serializer[Any]):
    rating = serializers.IntegerField(min_value=1, max_value=5)
    comment = serializers.CharField(
        default="", allow_blank=True, max_length=events.COMMENT_CHARACTERS
    )


class LeaveMessage(serializers.Serializer[Any]):
    name = serializers.CharField(default="", allow_blank=True, max_length=events.NAME_CHARACTERS)
    contact = serializers.CharField(max_length=events.CONTACT_CHARACTERS)
    text = TextField()


class Resume(serializers.Serializer[Any]):
    after = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class Authenticate(serializers.Serializer[Any]):
    protocol = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    ticket = serializers.CharField(max_length=100)


class Question(serializers.Serializer[Any]):
    question = TextField()
    locale = serializers.ChoiceField(choices=LOCALES, default="en")
    conversation = serializers.UUIDField(required=False)


class ReportEvent(serializers.Serializer[Any]):
    """What the site around the widget tells of a visitor, who is named by servers alone."""

    id = serializers.CharField(
        max_length=100, help_text="The site's own key, an order number: the same one counts once."
    )
    name = serializers.RegexField(NAME, max_length=LONGEST_NAME, trim_whitespace=False)
    value = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, required=False, allow_null=True
    )
    visitor = serializers.UUIDField(required=False)


Shapes = Mapping[str, type[serializers.Serializer[Any]]]
SHAPES: Shapes = {
    "authenticate": Authenticate,
    "conversation.resume": Resume,
    "message.send": Send,
    "reply.cancel": MessageReference,
    "reply.retry": MessageReference,
    "feedback.give": GiveFeedbackFrame,
    "person.request": NoFields,
    "customer.typing": NoFields,
    "conversation.rate": Rate,
    "conversation.leave_message": LeaveMessage,
    "ping": NoFields,
}


class FrameError(Exception):
    """A frame that is no request. Becomes an ``error`` event."""

    def __init__(self, code: str, message: str, frame: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.frame = frame or {}


def parse(text: str, shapes: Shapes = SHAPES) -> tuple[str, dict[str, Any]]:
    """The type and the validated fields of one socket frame. Raises :class:`FrameError`."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        # ValueError also covers integers of thousands of digits.
        raise FrameError("malformed", "The frame is not JSON.") from None
    if not isinstance(frame, dict):
        raise FrameError("malformed", "The frame is not a JSON object.")
    kind = frame.get("type")
    if not isinstance(kind, str) or (shape := shapes.get(kind)) is None:
        raise FrameError("unknown_type", "There is no such request.")
    request = shape(data=frame)
    if not request.is_valid():
        fields = ", ".join(sorted(map(str, request.errors)))
        raise FrameError("invalid", f"Not valid: {fields}.", frame)
    return kind, request.validated_data

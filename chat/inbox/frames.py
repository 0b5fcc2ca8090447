"""What agents' pages may send: shapes of frames, in one place."""

from typing import Any

from rest_framework import serializers

from chat.frames import NoFields, TextField
from chat.inbox import events
from chat.models import Conversation, Suggestion
from chat.models.fields import LOCALES


class ListShape(serializers.Serializer[Any]):
    tab = serializers.ChoiceField(choices=events.TABS)
    search = serializers.CharField(default="", allow_blank=True, max_length=100)
    bot = serializers.UUIDField(default=None, allow_null=True)
    reason = serializers.ChoiceField(
        choices=Conversation.HandoffReason.values, default="", allow_blank=True
    )
    locale = serializers.ChoiceField(choices=LOCALES, default="", allow_blank=True)
    limit = serializers.IntegerField(
        default=events.PAGE_ROWS, min_value=1, max_value=events.MOST_ROWS
    )


class ConversationShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()


class AssignShape(ConversationShape):
    to = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class ReadShape(ConversationShape):
    seq = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class SendShape(ConversationShape):
    client_message_id = serializers.UUIDField()
    text = TextField()
    suggestion = serializers.UUIDField(default=None, allow_null=True)
    use = serializers.ChoiceField(choices=Suggestion.Use.values, default="", allow_blank=True)
    canned = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=2**31 - 1
    )


class NoteShape(ConversationShape):
    text = TextField()


class IgnoreShape(ConversationShape):
    suggestion = serializers.UUIDField()


class LeftShape(ConversationShape):
    left = serializers.UUIDField()


SHAPES: dict[str, type[serializers.Serializer[Any]]] = {
    "inbox.list": ListShape,
    "conversation.open": ConversationShape,
    "conversation.leave": ConversationShape,
    "conversation.take": ConversationShape,
    "conversation.hand_back": ConversationShape,
    "conversation.close": ConversationShape,
    "conversation.assign": AssignShape,
    "conversation.read": ReadShape,
    "agent.typing": ConversationShape,
    "message.send": SendShape,
    "note.add": NoteShape,
    "reply.suggest": ConversationShape,
    "suggestion.ignore": IgnoreShape,
    "left_message.answered": LeftShape,
    "ping": NoFields,
}

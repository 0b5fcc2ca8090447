"""What the API answers, for its schema. Bodies that come in are in :mod:`chat.frames`."""

from typing import Any

from rest_framework import serializers

from chat.models import Conversation, Feedback, Message


class VisitorAnswer(serializers.Serializer[Any]):
    visitor = serializers.UUIDField()
    token = serializers.CharField(help_text="Shown once.")


class AgentAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()


class ConversationAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Conversation.Status.choices)
    locale = serializers.CharField()
    last_seq = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    agent = AgentAnswer(allow_null=True)
    position = serializers.IntegerField(allow_null=True, help_text="In the queue, from 1.")
    is_open_hours = serializers.BooleanField()
    rating = serializers.IntegerField(allow_null=True)


class FeedbackAnswer(serializers.Serializer[Any]):
    value = serializers.ChoiceField(choices=Feedback.Value.choices)
    reasons = serializers.ListField(child=serializers.CharField())
    comment = serializers.CharField(allow_blank=True)


class MessageAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    seq = serializers.IntegerField()
    role = serializers.ChoiceField(choices=Message.Role.choices)
    status = serializers.ChoiceField(choices=Message.Status.choices)
    text = serializers.CharField(allow_blank=True)
    client_message_id = serializers.UUIDField(allow_null=True)
    reply_to = serializers.UUIDField(allow_null=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]  # hides Field.source
        choices=[("", ""), *Message.Source.choices]
    )
    code = serializers.CharField(allow_blank=True)
    suggestions = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    feedback = FeedbackAnswer(allow_null=True)
    author = serializers.CharField(allow_null=True, help_text="Of what an agent wrote.")


class ConversationsAnswer(serializers.Serializer[Any]):
    results = ConversationAnswer(many=True)


class MessagesAnswer(serializers.Serializer[Any]):
    conversation = ConversationAnswer()
    messages = MessageAnswer(many=True)


class TicketAnswer(serializers.Serializer[Any]):
    ticket = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class ChatAnswer(serializers.Serializer[Any]):
    answer = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=Message.Status.choices)
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # the same
    code = serializers.CharField(allow_blank=True)
    suggestions = serializers.ListField(
        child=serializers.CharField(), help_text="Approved questions near this one."
    )
    conversation = serializers.UUIDField()
    message = serializers.UUIDField()


class EventAnswer(serializers.Serializer[Any]):
    conversation = serializers.UUIDField(
        allow_null=True,
        help_text="What it is counted for; null: no recent one, and nothing is kept.",
    )


class ErrorAnswer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()

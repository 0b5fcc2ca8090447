"""One question, one answer: for a company's own servers."""

import time
from typing import cast

from django.conf import settings
from django.db import close_old_connections
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import frames, limits
from chat.access import access_server_conversation
from chat.api import serializers as answers
from chat.api.authentication import ApiKeyAuthentication
from chat.api.permissions import IsServer
from chat.api.views import parsed
from chat.models import ApiKey, Message
from chat.selectors import outcome_of
from chat.services import conversations, visitors

POLL_SECONDS = 0.05
WAIT_SECONDS = 60


class ChatView(APIView):
    """Ask, and wait for the answer like everybody else: the question joins the same queue."""

    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (IsServer,)

    @extend_schema(
        request=frames.Question,
        responses={200: answers.ChatAnswer, 503: answers.ErrorAnswer, 429: answers.ErrorAnswer},
    )
    def post(self, request: Request) -> Response:
        key = cast(ApiKey, request.auth)
        limits.hit("CHAT_RATE_API_PER_KEY", str(key.pk))
        fields = parsed(frames.Question, request)
        conversations.clean_text(fields["question"])
        if named := fields.get("conversation"):
            conversation = access_server_conversation(key.bot, named)
        else:
            conversation = visitors.start_server_conversation(key.bot, locale=fields["locale"])
        question = conversations.post_message(conversation, text=fields["question"]).message
        outcome = _wait_for_outcome(question)
        body = {
            "answer": outcome.text,
            "status": outcome.status,
            "source": outcome.source,
            "code": outcome.code,
            "suggestions": outcome.suggestions,
            "conversation": str(conversation.public_id),
            "message": str(outcome.public_id),
        }
        answered = outcome.status == Message.Status.SENT and outcome.role != Message.Role.NOTICE
        return Response(body, status=200 if answered else 503)


def _wait_for_outcome(question: Message) -> Message:
    """The settled reply (or the notice instead of one), or what there is when time is up.

    Between two looks no connection to PostgreSQL is held: they are few, and everybody's.
    """
    patience = min(WAIT_SECONDS, settings.CHAT_REPLY_DEADLINE_SECONDS)
    deadline = time.monotonic() + patience
    while not (outcome := outcome_of(question)).is_settled and time.monotonic() < deadline:
        close_old_connections()
        time.sleep(POLL_SECONDS)
    return outcome

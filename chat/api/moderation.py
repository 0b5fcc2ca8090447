"""Moderation of texts that are not chats, for a company's own servers."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import limits
from chat.api import serializers as answers
from chat.api.authentication import ApiKeyAuthentication
from chat.api.permissions import IsServer
from chat.api.views import parsed
from chat.models import ApiKey
from moderation.current import current_policy
from moderation.findings import Direction
from moderation.pipeline import moderate

LONGEST_TEXT = 20_000


class ModerationRequest(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=LONGEST_TEXT, trim_whitespace=False)
    direction = serializers.ChoiceField(
        choices=[each.value for each in Direction], default=Direction.INBOUND.value
    )


class FindingAnswer(serializers.Serializer[Any]):
    start = serializers.IntegerField(help_text="Index of the first character (code points).")
    end = serializers.IntegerField()
    family = serializers.CharField()
    category = serializers.CharField()
    rule = serializers.CharField()
    action = serializers.CharField()
    score = serializers.FloatField()


class ModerationAnswer(serializers.Serializer[Any]):
    action = serializers.CharField(help_text="The strictest of all: allow, mask, review or block.")
    text = serializers.CharField(help_text="The text as it may be stored and shown.")
    policy = serializers.CharField()
    findings = FindingAnswer(many=True)


class ModerationView(APIView):
    """Check a text with the policy in force. Nothing is stored, no case is opened."""

    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (IsServer,)

    @extend_schema(
        request=ModerationRequest, responses={200: ModerationAnswer, 429: answers.ErrorAnswer}
    )
    def post(self, request: Request) -> Response:
        limits.hit("CHAT_RATE_API_PER_KEY", str(cast(ApiKey, request.auth).pk))
        fields = parsed(ModerationRequest, request)
        policy = current_policy()
        verdict = moderate(fields["text"], policy, Direction(fields["direction"]))
        return Response(
            ModerationAnswer(
                {
                    "action": verdict.action.value,
                    "text": verdict.text,
                    "policy": policy.version,
                    "findings": verdict.findings,
                }
            ).data
        )

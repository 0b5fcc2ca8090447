"""What became of a visitor on the site: told by the widget or by the company's own server."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import frames, limits
from chat.access import access_visitor_of
from chat.api import serializers as answers
from chat.api.authentication import ApiKeyAuthentication, VisitorAuthentication
from chat.api.permissions import IsVisitorOrServer
from chat.api.views import parsed
from chat.models import ApiKey, Visitor
from chat.services import conversions
from chat.services.conversions import Event


class EventsView(APIView):
    """A purchase, a booking: counted for the visitor's latest conversation, once for each ``id``.

    Visitors speak for themselves; a server names one of its bot's visitors.
    """

    authentication_classes = (VisitorAuthentication, ApiKeyAuthentication)
    permission_classes = (IsVisitorOrServer,)

    @extend_schema(
        request=frames.ReportEvent,
        responses={201: answers.EventAnswer, 200: answers.EventAnswer, 429: answers.ErrorAnswer},
    )
    def post(self, request: Request) -> Response:
        fields = parsed(frames.ReportEvent, request)
        visitor = self._visitor(request, fields)
        limits.hit("CHAT_RATE_EVENTS_PER_VISITOR", str(visitor.pk))
        event = Event(key=fields["id"], name=fields["name"], value=fields.get("value"))
        conversion, is_new = conversions.record(visitor, event)
        conversation = conversion and str(conversion.conversation.public_id)
        return Response({"conversation": conversation}, status=201 if is_new else 200)

    def _visitor(self, request: Request, fields: dict[str, Any]) -> Visitor:
        if isinstance(request.auth, Visitor):
            return request.auth
        key = cast(ApiKey, request.auth)
        limits.hit("CHAT_RATE_API_PER_KEY", str(key.pk))
        if "visitor" not in fields:
            raise ValidationError({"visitor": "This field is required."})
        return access_visitor_of(key.bot, fields["visitor"])

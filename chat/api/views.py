"""The widget's endpoints: parse, ask for access, call one service, answer."""

from typing import Any, cast

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from chat import frames, limits, presentation
from chat.access import access_bot, access_conversation, access_message
from chat.addresses import client_address
from chat.api import serializers as answers
from chat.api.authentication import VisitorAuthentication
from chat.api.permissions import IsVisitor
from chat.models import Visitor
from chat.selectors import message_with_relations, messages_after, visitor_conversations
from chat.services import conversations, replies, visitors


def parsed(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """The validated body. DRF answers 400 when it has another shape."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return cast(dict[str, Any], body.validated_data)


def address_of(request: Request) -> str:
    return client_address(
        request.META.get("REMOTE_ADDR") or "",
        request.headers.get("X-Forwarded-For", ""),
        trusted_proxies=settings.TRUSTED_PROXIES,
    )


class VisitorsView(APIView):
    """Anyone may become a visitor of an active bot; how often is limited by address."""

    permission_classes = (AllowAny,)

    @extend_schema(request=frames.NoFields, responses={201: answers.VisitorAnswer})
    def post(self, request: Request, bot: str) -> Response:
        limits.hit("CHAT_RATE_VISITORS_PER_ADDRESS", address_of(request))
        visitor, token = visitors.register_visitor(access_bot(bot))
        return Response({"visitor": str(visitor.public_id), "token": token}, status=201)


class VisitorView(APIView):
    """Base of everything that a visitor does with their own rows."""

    authentication_classes = (VisitorAuthentication,)
    permission_classes = (IsVisitor,)

    @property
    def visitor(self) -> Visitor:
        return cast(Visitor, self.request.auth)


class ConversationsView(VisitorView):
    @extend_schema(responses=answers.ConversationsAnswer)
    def get(self, request: Request) -> Response:
        found = visitor_conversations(self.visitor)
        return Response({"results": [presentation.conversation_data(each) for each in found]})

    @extend_schema(request=frames.NewConversation, responses={201: answers.ConversationAnswer})
    def post(self, request: Request) -> Response:
        limits.hit("CHAT_RATE_MESSAGES_PER_VISITOR", str(self.visitor.pk))
        fields = parsed(frames.NewConversation, request)
        conversation = visitors.start_conversation(self.visitor, **fields)
        return Response(presentation.conversation_data(conversation), status=201)


class MessagesView(VisitorView):
    @extend_schema(
        parameters=[OpenApiParameter("after", int, description="Highest seq already known.")],
        responses=answers.MessagesAnswer,
    )
    def get(self, request: Request, conversation: str) -> Response:
        query = frames.Resume(data={"after": request.query_params.get("after", "0")})
        query.is_valid(raise_exception=True)
        found = access_conversation(self.visitor, conversation)
        messages = messages_after(found, query.validated_data["after"])
        return Response(
            {
                "conversation": presentation.conversation_data(found),
                "messages": [presentation.message_data(message) for message in messages],
            }
        )

    @extend_schema(
        request=frames.Send,
        responses={201: answers.MessageAnswer, 200: answers.MessageAnswer},
    )
    def post(self, request: Request, conversation: str) -> Response:
        limits.hit("CHAT_RATE_MESSAGES_PER_VISITOR", str(self.visitor.pk))
        limits.hit("CHAT_RATE_MESSAGES_PER_ADDRESS", address_of(request))
        found = access_conversation(self.visitor, conversation)
        posted = conversations.post_message(found, **parsed(frames.Send, request))
        message = message_with_relations(posted.message.pk)
        return Response(presentation.message_data(message), status=201 if posted.created else 200)


class TicketView(VisitorView):
    @extend_schema(request=frames.NoFields, responses={201: answers.TicketAnswer})
    def post(self, request: Request, conversation: str) -> Response:
        ticket = visitors.issue_ticket(access_conversation(self.visitor, conversation))
        return Response({"ticket": ticket, "expires_in": visitors.TICKET_SECONDS}, status=201)


class PersonView(VisitorView):
    @extend_schema(request=frames.NoFields, responses=answers.ConversationAnswer)
    def post(self, request: Request, conversation: str) -> Response:
        found = conversations.request_person(access_conversation(self.visitor, conversation))
        return Response(presentation.conversation_data(found))


class FeedbackView(VisitorView):
    @extend_schema(request=frames.GiveFeedback, responses=answers.MessageAnswer)
    def post(self, request: Request, message: str) -> Response:
        limits.hit("CHAT_RATE_MESSAGES_PER_VISITOR", str(self.visitor.pk))
        found = access_message(self.visitor, message)
        conversations.give_feedback(found, **parsed(frames.GiveFeedback, request))
        return Response(presentation.message_data(message_with_relations(found.pk)))


class CancelView(VisitorView):
    @extend_schema(request=frames.NoFields, responses=answers.MessageAnswer)
    def post(self, request: Request, message: str) -> Response:
        cancelled = replies.cancel(access_message(self.visitor, message))
        return Response(presentation.message_data(cancelled))


class RetryView(VisitorView):
    @extend_schema(request=frames.NoFields, responses=answers.MessageAnswer)
    def post(self, request: Request, message: str) -> Response:
        limits.hit("CHAT_RATE_MESSAGES_PER_VISITOR", str(self.visitor.pk))
        requeued = replies.retry(access_message(self.visitor, message))
        return Response(presentation.message_data(requeued))

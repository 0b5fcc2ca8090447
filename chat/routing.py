from channels.sessions import CookieMiddleware
from django.urls import path

from chat.consumers import ConversationConsumer
from chat.inbox.consumer import InboxConsumer

websocket_urlpatterns = [
    path("ws/v1/chat", ConversationConsumer.as_asgi()),
    path("ws/staff/inbox", CookieMiddleware(InboxConsumer.as_asgi())),
]

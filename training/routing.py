from channels.sessions import CookieMiddleware
from django.urls import path

from training.consumers import RunConsumer

websocket_urlpatterns = [
    path("ws/v1/training/<uuid:public_id>", CookieMiddleware(RunConsumer.as_asgi()))
]

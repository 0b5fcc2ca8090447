"""HTTP to Django, sockets of widgets to conversations and of the console to training runs."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")
django_application = get_asgi_application()

# They need the app registry.
from chat import routing as chat  # noqa: E402
from training import routing as training  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": URLRouter([*chat.websocket_urlpatterns, *training.websocket_urlpatterns]),
    }
)

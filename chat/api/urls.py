from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from chat.api import views
from chat.api.chat import ChatView
from chat.api.events import EventsView
from chat.api.moderation import ModerationView

# The explorer sets styles on its own elements; scripts come from here alone.
docs = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="api-schema")
)

urlpatterns = [
    path("schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs", docs, name="api-docs"),
    path("chat", ChatView.as_view(), name="api-chat"),
    path("moderation", ModerationView.as_view(), name="api-moderation"),
    path("bots/<str:bot>/visitors", views.VisitorsView.as_view(), name="api-visitors"),
    path("conversations", views.ConversationsView.as_view(), name="api-conversations"),
    path(
        "conversations/<str:conversation>/messages",
        views.MessagesView.as_view(),
        name="api-messages",
    ),
    path("conversations/<str:conversation>/ticket", views.TicketView.as_view(), name="api-ticket"),
    path("conversations/<str:conversation>/person", views.PersonView.as_view(), name="api-person"),
    path("events", EventsView.as_view(), name="api-events"),
    path("messages/<str:message>/feedback", views.FeedbackView.as_view(), name="api-feedback"),
    path("messages/<str:message>/cancel", views.CancelView.as_view(), name="api-cancel"),
    path("messages/<str:message>/retry", views.RetryView.as_view(), name="api-retry"),
]

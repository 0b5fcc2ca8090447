from django.urls import path

from chat import views

urlpatterns = [
    path("", views.demo, name="demo"),
    path("widget/<uuid:bot_id>/", views.panel, name="widget-panel"),
]

from django.urls import path

from training.api import views

urlpatterns = [
    path("bots/<str:bot>/models", views.ModelsView.as_view(), name="api-models"),
    path("bots/<str:bot>/experiments", views.ExperimentsView.as_view(), name="api-experiments"),
    path("bots/<str:bot>/deployments", views.DeploymentsView.as_view(), name="api-deployments"),
    path("bots/<str:bot>/runners", views.RunnersView.as_view(), name="api-runners"),
    path("models/<str:model>", views.ModelView.as_view(), name="api-model"),
    path("models/<str:model>/comparison", views.ComparisonView.as_view(), name="api-comparison"),
    path("experiments/<str:experiment>", views.ExperimentView.as_view(), name="api-experiment"),
]

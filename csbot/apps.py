from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class CsbotConfig(AppConfig):
    name = "csbot"

    def ready(self) -> None:
        # Tasks find their app, and misconfiguration is told at start.
        from csbot import celery, checks  # noqa: F401  (needs the app registry)


class ConsoleConfig(AdminConfig):
    default_site = "csbot.console.ConsoleSite"

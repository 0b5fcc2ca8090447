from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_migrate


class CsbotConfig(AppConfig):
    name = "csbot"

    def ready(self) -> None:
        # Tasks find their app, and misconfiguration is told at start.
        from csbot import celery, checks, sign_ins  # noqa: F401  (needs the app registry)
        from csbot.accounts import door, founding

        # The one moment when every permission exists.
        post_migrate.connect(founding.establish, sender=self)
        user_logged_in.connect(door.remember_sign_in)
        user_logged_in.connect(sign_ins.signed_in)
        user_logged_out.connect(sign_ins.signed_out)
        user_login_failed.connect(sign_ins.refused)


class ConsoleConfig(AdminConfig):
    default_site = "csbot.console.ConsoleSite"

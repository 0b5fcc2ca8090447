"""Django settings. Values that operators change come from :mod:`csbot.env` alone."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from csbot import env

BASE_DIR = env.BASE_DIR
VAR_DIR: Path = (BASE_DIR / env.read("CSBOT_VAR_DIR")).resolve()
MODELS_DIR = VAR_DIR / "models"


def _kept_secret(name: str, make: Callable[[], str]) -> str:
    """A secret that is made once and kept in the var folder, readable to the owner alone."""
    path = VAR_DIR / name
    try:
        return path.read_text()
    except FileNotFoundError:
        VAR_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Two processes may start at once: whoever links first wins, both read the winner's.
        mine = VAR_DIR / f".{name}.{os.getpid()}"
        mine.touch(mode=0o600)
        mine.write_text(make())
        try:
            os.link(mine, path)
        except FileExistsError:
            pass
        finally:
            mine.unlink()
        return path.read_text()


def _new_data_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


DEBUG: bool = env.read("CSBOT_DEBUG")
SECRET_KEY: str = env.read("CSBOT_SECRET_KEY") or _kept_secret(
    "secret_key", lambda: secrets.token_urlsafe(48)
)
# Masked personal data is encrypted with the first and readable with all.
DATA_KEYS: list[str] = env.read("CSBOT_DATA_KEYS") or [_kept_secret("data_key", _new_data_key)]
# Signs the ends of the audit trail, and what training publishes.
AUDIT_KEY: str = env.read("CSBOT_AUDIT_KEY") or _kept_secret("audit_key", _new_data_key)
AUDIT_WEBHOOK: str = env.read("CSBOT_AUDIT_WEBHOOK")

HOST: str = env.read("CSBOT_HOST")
PORT: int = env.read("CSBOT_PORT")
PUBLIC_URL: str = (env.read("CSBOT_PUBLIC_URL") or f"http://{HOST}:{PORT}").rstrip("/")
_LOOPBACK_NAMES = ("localhost", "127.0.0.1")
OWN_ORIGINS = {PUBLIC_URL}
if urlsplit(PUBLIC_URL).hostname in _LOOPBACK_NAMES:
    # On a laptop people type either name.
    OWN_ORIGINS |= {f"http://{name}:{PORT}" for name in _LOOPBACK_NAMES}
TRUSTED_PROXIES: int = env.read("CSBOT_TRUSTED_PROXIES")
_SECURE = urlsplit(PUBLIC_URL).scheme == "https"

ALLOWED_HOSTS: list[str] = [
    urlsplit(PUBLIC_URL).hostname or "localhost",
    "localhost",
    "127.0.0.1",
    *env.read("CSBOT_ALLOWED_HOSTS"),
]
CSRF_TRUSTED_ORIGINS = sorted(OWN_ORIGINS)

INSTALLED_APPS = [
    "csbot.apps.CsbotConfig",
    "moderation.apps.ModerationConfig",
    "chat.apps.ChatConfig",
    "training.apps.TrainingConfig",
    "unfold.apps.BasicAppConfig",
    "csbot.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "guardian",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "csbot.acting.name_actor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]

# Widgets of our own have templates beside those of our pages.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

ROOT_URLCONF = "csbot.urls"
ASGI_APPLICATION = "csbot.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database. SQLite runs in WAL mode with immediate transactions: with deferred ones, writers
# that read first fail with "database is locked" instead of waiting.
if _database_url := env.read("DATABASE_URL"):
    DATABASES = {"default": environ.Env.db_url_config(_database_url)}
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        {"pool": {"min_size": 1, "max_size": 8, "timeout": 10}}
    )
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR_DIR / "csbot.sqlite3",
            # A connection is a file here: opening it for each call costs more than most queries.
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                # What is erased is overwritten, too.
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
                ),
            },
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Valkey carries calls and rate limits, never the only copy of anything.
VALKEY_SOCKET = VAR_DIR / "valkey" / "valkey.sock"
EMBEDDED_VALKEY = not env.read("VALKEY_URL")
VALKEY_URL: str = env.read("VALKEY_URL") or f"unix://{VALKEY_SOCKET}?db=0"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": VALKEY_URL, "socket_timeout": 2}], "prefix": "csbot"},
    },
}

CELERY_BROKER_URL = (
    VALKEY_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
    if VALKEY_URL.startswith("unix://")
    else VALKEY_URL
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
# A training takes its worker for an hour: short tasks have another one.
CELERY_TASK_ROUTES = {"training.tasks.*": {"queue": "training"}}
CELERY_BEAT_SCHEDULE = {
    "fail-overdue-replies": {"task": "chat.tasks.fail_overdue_replies", "schedule": 15.0},
    "close-idle-conversations": {
        "task": "chat.tasks.close_idle_conversations",
        "schedule": 600.0,
    },
    "delete-spent-tickets": {"task": "chat.tasks.delete_spent_tickets", "schedule": 600.0},
    "forget-silent-runners": {"task": "chat.tasks.forget_silent_runners", "schedule": 600.0},
    "sign-audit": {"task": "moderation.tasks.sign_audit", "schedule": 60.0},
    "take-looks": {"task": "experiments.take_looks", "schedule": 600.0},
    "learn": {"task": "increments.go_on", "schedule": 300.0},
    "propose-examples": {"task": "review.propose_examples", "schedule": 3600.0},
    "forget-unused-vectors": {"task": "models.forget_unused_vectors", "schedule": 86400.0},
    "apply-retention": {"task": "privacy.apply_retention", "schedule": 3600.0},
    "finish-erasures": {"task": "privacy.finish_erasures", "schedule": 60.0},
    # Expired before the next one: calls do not pile up before a trainer that is busy.
    "work-training-queue": {
        "task": "training.tasks.work_training_queue",
        "schedule": 30.0,
        "options": {"expires": 25.0},
    },
}

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
# Whether roles with much power have to have an authenticator app.
SECOND_FACTOR: str = env.read("CSBOT_SECOND_FACTOR")
# Sockets of the console ask it, too. chat knows no accounts, so it is named here.
CHAT_STAFF_DOOR = "csbot.accounts.door.is_open"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Permissions belong to named people and roles; nobody has any by not logging in.
ANONYMOUS_USER_NAME = None

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["chat.api.permissions.DenyAll"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "chat.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "csbot",
    "DESCRIPTION": "Conversations between customers and a bot, for widgets and servers.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "ConversationStatusEnum": "chat.models.Conversation.Status",
        "MessageStatusEnum": "chat.models.Message.Status",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}

UNFOLD = {
    "LOGIN": {"form": "csbot.accounts.forms.SignInForm"},
    "ACCOUNT": {
        "navigation": [
            {
                "title": _("Authenticator app"),
                "link": reverse_lazy("admin:second_factor"),
            }
        ]
    },
    "SITE_TITLE": "csbot",
    "SITE_HEADER": "csbot",
    "SITE_SYMBOL": "forum",
    "SHOW_LANGUAGES": True,
    "STYLES": [lambda request: static("console/console.css")],
    "SIDEBAR": {"navigation": "chat.console.navigation.sidebar"},
    "DASHBOARD_CALLBACK": "chat.console.dashboard.context",
    "COLORS": {
        "primary": {
            "50": "240 253 250",
            "100": "204 251 241",
            "200": "153 246 228",
            "300": "94 234 212",
            "400": "45 212 191",
            "500": "20 184 166",
            "600": "13 117 106",
            "700": "11 107 93",
            "800": "17 94 89",
            "900": "19 78 74",
            "950": "4 47 46",
        }
    },
}

LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
TIME_ZONE = env.read("CSBOT_TIME_ZONE")
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served from where they are: nothing to collect, nothing to forget collecting.
WHITENOISE_USE_FINDERS = True

# Pages of csbot load nothing from elsewhere and cannot be framed; the widget's panel alone
# may be framed, by the sites of its bot (chat.views).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
SESSION_COOKIE_HTTPONLY = True
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Ids and codes are logged, never what people typed; the filter is the second line.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"mask": {"()": "moderation.logs.MaskPersonalData"}},
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["mask"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.read("CSBOT_LOG_LEVEL")},
}

# The model
CHAT_ENGINE: str = env.read("CHAT_ENGINE")
CHAT_DEVICE: str = env.read("CHAT_DEVICE")
CHAT_MODEL: str = env.read("CHAT_MODEL")
CHAT_MODEL_SOURCE: str = env.read("CHAT_MODEL_SOURCE")
CHAT_PRECISION: str = env.read("CHAT_PRECISION")
CHAT_THREADS: int = env.read("CHAT_THREADS")
CHAT_SEATS: int = env.read("CHAT_SEATS")
CHAT_CONTEXT_TOKENS: int = env.read("CHAT_CONTEXT_TOKENS")
CHAT_MAX_NEW_TOKENS: int = env.read("CHAT_MAX_NEW_TOKENS")
CHAT_OPENAI_URL: str = env.read("CHAT_OPENAI_URL")
CHAT_OPENAI_MODEL: str = env.read("CHAT_OPENAI_MODEL")
CHAT_OPENAI_API_KEY: str = env.read("CHAT_OPENAI_API_KEY")
CHAT_ECHO_DELAY_SECONDS: float = env.read("CHAT_ECHO_DELAY_SECONDS")
CHAT_SWAP: str = env.read("CHAT_SWAP")

# Knowledge
CHAT_EMBEDDER: str = env.read("CHAT_EMBEDDER")
CHAT_EMBEDDER_URL: str = env.read("CHAT_EMBEDDER_URL")
CHAT_EMBEDDER_MODEL: str = env.read("CHAT_EMBEDDER_MODEL")
CHAT_EMBEDDER_API_KEY: str = env.read("CHAT_EMBEDDER_API_KEY")
CHAT_KNOWLEDGE_TOKENS: int = env.read("CHAT_KNOWLEDGE_TOKENS")

CHAT_CACHE_AFTER_VISITORS: int = env.read("CHAT_CACHE_AFTER_VISITORS")
CHAT_CACHE_SECONDS: int = env.read("CHAT_CACHE_SECONDS")
CHAT_CACHE_ENTRIES: int = env.read("CHAT_CACHE_ENTRIES")

# Moderation knows no conversations: what it tries new words on is named here.
MODERATION_SAMPLE = "chat.selectors.recent_customer_texts"
# ... and whose conversations its findings are from.
MODERATION_SCOPE_FILTER = "chat.access.within_scope_of"

# Training
TRAINING_DEVICE: str = env.read("TRAINING_DEVICE")
TRAINING_THREADS: int = env.read("TRAINING_THREADS")
TRAINING_NICENESS: int = env.read("TRAINING_NICENESS")
TRAINING_SECOND_READINGS: float = env.read("TRAINING_SECOND_READINGS")

# Replies and limits
CHAT_QUEUE_LIMIT: int = env.read("CHAT_QUEUE_LIMIT")
CHAT_LEASE_SECONDS: int = env.read("CHAT_LEASE_SECONDS")
CHAT_SWEEP_SECONDS: float = env.read("CHAT_SWEEP_SECONDS")
CHAT_MAX_ATTEMPTS: int = env.read("CHAT_MAX_ATTEMPTS")
CHAT_REPLY_DEADLINE_SECONDS: int = env.read("CHAT_REPLY_DEADLINE_SECONDS")
CHAT_CONTEXT_TURNS: int = env.read("CHAT_CONTEXT_TURNS")
CHAT_IDLE_CLOSE_HOURS: int = env.read("CHAT_IDLE_CLOSE_HOURS")
CHAT_RATE_MESSAGES_PER_VISITOR: str = env.read("CHAT_RATE_MESSAGES_PER_VISITOR")
CHAT_RATE_MESSAGES_PER_ADDRESS: str = env.read("CHAT_RATE_MESSAGES_PER_ADDRESS")
CHAT_RATE_VISITORS_PER_ADDRESS: str = env.read("CHAT_RATE_VISITORS_PER_ADDRESS")
CHAT_RATE_SOCKETS_PER_ADDRESS: str = env.read("CHAT_RATE_SOCKETS_PER_ADDRESS")
CHAT_RATE_LEFT_MESSAGES_PER_VISITOR: str = env.read("CHAT_RATE_LEFT_MESSAGES_PER_VISITOR")
CHAT_RATE_EVENTS_PER_VISITOR: str = env.read("CHAT_RATE_EVENTS_PER_VISITOR")
CHAT_RATE_API_PER_KEY: str = env.read("CHAT_RATE_API_PER_KEY")

"""System checks: a setting that cannot work is told at start, with what to type instead."""

import logging
import math
import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from chat.knowledge.embedding import EMBEDDERS
from csbot import valkey
from moderation.services import audit

CHOICES = {
    "CHAT_EMBEDDER": EMBEDDERS,
    "CHAT_SWAP": ("auto", "beside", "drain"),
    "CHAT_ENGINE": ("auto", "genai", "onnx", "transformers", "openai", "echo"),
    "CHAT_DEVICE": ("auto", "cpu", "cuda"),
    "CHAT_PRECISION": ("int4", "int8", "fp32"),
    "TRAINING_DEVICE": ("auto", "cpu", "cuda"),
}
POSITIVE = (
    "CHAT_SEATS",
    "CHAT_CONTEXT_TOKENS",
    "CHAT_MAX_NEW_TOKENS",
    "CHAT_QUEUE_LIMIT",
    "CHAT_LEASE_SECONDS",
    "CHAT_SWEEP_SECONDS",
    "CHAT_MAX_ATTEMPTS",
    "CHAT_REPLY_DEADLINE_SECONDS",
    "CHAT_CACHE_SECONDS",
    "CHAT_CACHE_AFTER_VISITORS",
)
RATES = (
    "CHAT_RATE_MESSAGES_PER_VISITOR",
    "CHAT_RATE_MESSAGES_PER_ADDRESS",
    "CHAT_RATE_VISITORS_PER_ADDRESS",
    "CHAT_RATE_SOCKETS_PER_ADDRESS",
    "CHAT_RATE_API_PER_KEY",
)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@register()
def check_choices(**_: Any) -> Iterable[CheckMessage]:
    for name, allowed in CHOICES.items():
        if (value := getattr(settings, name)) not in allowed:
            yield Error(
                f"{name} is {value!r}, which does not exist.",
                hint=f"Set it to one of {', '.join(allowed)}.",
                id="csbot.E001",
            )


@register()
def check_second_factor(**_: Any) -> Iterable[CheckMessage]:
    value = settings.SECOND_FACTOR
    if value not in ("required", "optional"):
        yield Error(
            f"CSBOT_SECOND_FACTOR is {value!r}, which does not exist.",
            hint="Set it to required, or to optional for looking around.",
            id="csbot.E001",
        )
    elif value == "optional" and urlsplit(settings.PUBLIC_URL).hostname not in LOOPBACK:
        yield Warning(
            "CSBOT_SECOND_FACTOR is optional: a password alone opens the console to everybody who "
            f"reaches {settings.PUBLIC_URL}.",
            hint="Set it to required.",
            id="csbot.W003",
        )


@register()
def check_numbers(**_: Any) -> Iterable[CheckMessage]:
    for name in POSITIVE:
        value = getattr(settings, name)
        if not 0 < value < math.inf:
            yield Error(f"{name} is {value}.", hint="Set it to a number above 0.", id="csbot.E002")
    for name in ("CHAT_THREADS", "TRAINING_THREADS"):
        if (value := getattr(settings, name)) < 0:
            yield Error(
                f"{name} is {value}.",
                hint="Set it to 0 for all cores, or to a number of threads.",
                id="csbot.E002",
            )
    if not 0 <= settings.TRAINING_NICENESS <= 19:
        yield Error(
            f"TRAINING_NICENESS is {settings.TRAINING_NICENESS}.",
            hint="Set it to a number from 0 to 19.",
            id="csbot.E002",
        )


@register()
def check_tokens(**_: Any) -> Iterable[CheckMessage]:
    if settings.CHAT_MAX_NEW_TOKENS >= settings.CHAT_CONTEXT_TOKENS:
        yield Error(
            f"CHAT_MAX_NEW_TOKENS ({settings.CHAT_MAX_NEW_TOKENS}) leaves no room for a question "
            f"within CHAT_CONTEXT_TOKENS ({settings.CHAT_CONTEXT_TOKENS}).",
            hint="Set CHAT_MAX_NEW_TOKENS to a quarter of CHAT_CONTEXT_TOKENS or less.",
            id="csbot.E003",
        )


@register()
def check_rates(**_: Any) -> Iterable[CheckMessage]:
    from limits import parse

    for name in RATES:
        try:
            parse(getattr(settings, name))
        except ValueError:
            yield Error(
                f"{name} is {getattr(settings, name)!r}, which is not a rate.",
                hint="Write a number and a time, for example 20/minute or 1000/hour.",
                id="csbot.E004",
            )


@register()
def check_openai(**_: Any) -> Iterable[CheckMessage]:
    if settings.CHAT_ENGINE != "openai":
        return
    if urlsplit(settings.CHAT_OPENAI_URL).scheme not in ("http", "https"):
        yield Error(
            "CHAT_ENGINE is openai, but CHAT_OPENAI_URL names no server.",
            hint="Set it to the server's base address, for example http://127.0.0.1:9000/v1.",
            id="csbot.E005",
        )
    if not settings.CHAT_OPENAI_MODEL:
        yield Error(
            "CHAT_ENGINE is openai, but CHAT_OPENAI_MODEL is empty.",
            hint="Set it to the name under which that server knows its model.",
            id="csbot.E005",
        )


@register()
def check_embedder(**_: Any) -> Iterable[CheckMessage]:
    if settings.CHAT_EMBEDDER != "openai":
        return
    if urlsplit(settings.CHAT_EMBEDDER_URL).scheme not in ("http", "https"):
        yield Error(
            "CHAT_EMBEDDER is openai, but CHAT_EMBEDDER_URL names no server.",
            hint="Set it to the server's base address, for example http://127.0.0.1:9000/v1.",
            id="csbot.E005",
        )
    if not settings.CHAT_EMBEDDER_MODEL:
        yield Error(
            "CHAT_EMBEDDER is openai, but CHAT_EMBEDDER_MODEL is empty.",
            hint="Set it to the name under which that server knows its model.",
            id="csbot.E005",
        )


@register()
def check_address(**_: Any) -> Iterable[CheckMessage]:
    if not 0 < settings.PORT < 65536:
        yield Error(
            f"CSBOT_PORT is {settings.PORT}, which is no port.",
            hint="Set it to a number from 1 to 65535, for example 8000.",
            id="csbot.E006",
        )
    url = urlsplit(settings.PUBLIC_URL)
    if url.scheme not in ("http", "https") or not url.hostname or url.path:
        yield Error(
            f"CSBOT_PUBLIC_URL is {settings.PUBLIC_URL!r}, which browsers cannot open.",
            hint="Set it to scheme and host (and port), for example https://chat.example.com.",
            id="csbot.E007",
        )
    if settings.TRUSTED_PROXIES < 0:
        yield Error(
            f"CSBOT_TRUSTED_PROXIES is {settings.TRUSTED_PROXIES}.",
            hint="Set it to the number of reverse proxies in front of csbot, or to 0.",
            id="csbot.E006",
        )


@register()
def check_servers(**_: Any) -> Iterable[CheckMessage]:
    socket = os.fsencode(settings.VALKEY_SOCKET)
    if settings.EMBEDDED_VALKEY and len(socket) > valkey.SOCKET_PATH_BYTES:
        yield Error(
            f"The path {settings.VALKEY_SOCKET} is too long for a socket.",
            hint="Set CSBOT_VAR_DIR to a shorter folder, or VALKEY_URL to a server of yours.",
            id="csbot.E008",
        )
    schemes = ("redis", "rediss", "unix")
    if urlsplit(settings.VALKEY_URL).scheme not in schemes:
        yield Error(
            "VALKEY_URL is no address of a Valkey or Redis.",
            hint="Write it as redis://host:6379/0 (rediss:// with TLS), or leave it empty.",
            id="csbot.E009",
        )
    engine = settings.DATABASES["default"].get("ENGINE", "")
    if not engine.endswith((".postgresql", ".sqlite3")):
        yield Error(
            "DATABASE_URL names a database that csbot is not tested with.",
            hint="Write it as postgres://user:password@host/name, or leave it empty for SQLite.",
            id="csbot.E010",
        )


@register()
def check_logging(**_: Any) -> Iterable[CheckMessage]:
    logging_settings: dict[str, Any] = settings.LOGGING
    level = logging_settings["root"]["level"]
    if level not in logging.getLevelNamesMapping():
        yield Error(
            f"CSBOT_LOG_LEVEL is {level!r}, which does not exist.",
            hint="Set it to DEBUG, INFO, WARNING or ERROR.",
            id="csbot.E011",
        )


@register()
def check_exposure(**_: Any) -> Iterable[CheckMessage]:
    public = urlsplit(settings.PUBLIC_URL)
    if settings.DEBUG and settings.HOST not in LOOPBACK:
        yield Error(
            f"CSBOT_DEBUG shows settings and code to everybody who reaches {settings.HOST}.",
            hint="Unset CSBOT_DEBUG, or set CSBOT_HOST to 127.0.0.1.",
            id="csbot.E012",
        )
    if public.scheme == "http" and public.hostname not in LOOPBACK:
        yield Warning(
            f"Conversations travel unencrypted to {settings.PUBLIC_URL}.",
            hint="Put a reverse proxy with TLS in front and set CSBOT_PUBLIC_URL to https://...",
            id="csbot.W001",
        )


@register()
def check_audit(**_: Any) -> Iterable[CheckMessage]:
    try:
        audit.signer()
    except ValueError:
        yield Error(
            "CSBOT_AUDIT_KEY is no key.",
            hint="Set it to 32 random bytes in URL-safe base64, or leave it empty.",
            id="csbot.E013",
        )
    address = urlsplit(settings.AUDIT_WEBHOOK)
    if settings.AUDIT_WEBHOOK and (address.scheme != "https" or not address.hostname):
        yield Error(
            "CSBOT_AUDIT_WEBHOOK is no https address.",
            hint="Set it to an address that begins with https://, or leave it empty.",
            id="csbot.E014",
        )

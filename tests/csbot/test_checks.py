"""Each wrong setting is one finding with a stable id that says what to type."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

WRONG = (
    ("csbot.E001", "one of auto, genai", {"CHAT_ENGINE": "gpt"}),
    ("csbot.E001", "one of auto, cpu", {"CHAT_DEVICE": "tpu"}),
    ("csbot.E001", "one of int4", {"CHAT_PRECISION": "int2"}),
    ("csbot.E002", "above 0", {"CHAT_SEATS": 0}),
    ("csbot.E002", "above 0", {"CHAT_LEASE_SECONDS": -1}),
    ("csbot.E002", "above 0", {"CHAT_SWEEP_SECONDS": float("nan")}),
    ("csbot.E002", "all cores", {"CHAT_THREADS": -1}),
    ("csbot.E003", "a quarter", {"CHAT_MAX_NEW_TOKENS": 1024, "CHAT_CONTEXT_TOKENS": 1024}),
    ("csbot.E004", "20/minute", {"CHAT_RATE_MESSAGES_PER_VISITOR": "many"}),
    ("csbot.E005", "base address", {"CHAT_ENGINE": "openai", "CHAT_OPENAI_MODEL": "m"}),
    ("csbot.E005", "its model", {"CHAT_ENGINE": "openai", "CHAT_OPENAI_URL": "http://h/v1"}),
    ("csbot.E001", "one of auto, e5", {"CHAT_EMBEDDER": "word2vec"}),
    ("csbot.E005", "base address", {"CHAT_EMBEDDER": "openai", "CHAT_EMBEDDER_MODEL": "m"}),
    ("csbot.E005", "its model", {"CHAT_EMBEDDER": "openai", "CHAT_EMBEDDER_URL": "http://h/v1"}),
    ("csbot.E006", "1 to 65535", {"PORT": 0}),
    ("csbot.E006", "or to 0", {"TRUSTED_PROXIES": -1}),
    ("csbot.E007", "https://chat.example.com", {"PUBLIC_URL": "chat.example.com"}),
    ("csbot.E007", "scheme and host", {"PUBLIC_URL": "https://chat.example.com/path"}),
    ("csbot.E008", "shorter folder", {"VALKEY_SOCKET": "/" + "x" * 120}),
    ("csbot.E009", "redis://host", {"VALKEY_URL": "http://host"}),
    ("csbot.E010", "SQLite", {"DATABASES": {"default": {"ENGINE": "django.db.backends.mysql"}}}),
    ("csbot.E011", "DEBUG, INFO", {"LOGGING": {"root": {"level": "LOUD"}}}),
    ("csbot.E012", "127.0.0.1", {"DEBUG": True, "HOST": "0.0.0.0"}),
    ("csbot.W001", "reverse proxy", {"PUBLIC_URL": "http://chat.example.com"}),
)


def ours() -> list[tuple[str, str]]:
    found = run_checks()
    return [(f.id or "", str(f.hint)) for f in found if (f.id or "").startswith("csbot.")]


def test_defaults_have_no_findings() -> None:
    assert ours() == []


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.parametrize(("id_", "hint", "values"), WRONG)
def test_wrong_setting_is_explained(id_: str, hint: str, values: dict[str, Any]) -> None:
    with override_settings(SECOND_FACTOR="required", **values):
        findings = ours()
    assert [found for found, _ in findings] == [id_]
    assert hint in findings[0][1]

"""The table of settings: typed, with defaults, read in one place."""

import ast
import re

import pytest
from django.core.exceptions import ImproperlyConfigured

from csbot import env
from tests.services import ROOT


def test_unset_setting_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CSBOT_PORT", raising=False)
    assert env.read("CSBOT_PORT") == 8000


def test_empty_setting_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSBOT_PORT", "")
    assert env.read("CSBOT_PORT") == 8000


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("CSBOT_PORT", "9000", 9000),
        ("CSBOT_DEBUG", "true", True),
        ("CSBOT_DEBUG", "0", False),
        ("CHAT_SWEEP_SECONDS", "0.5", 0.5),
        ("CSBOT_ALLOWED_HOSTS", "a.example,b.example", ["a.example", "b.example"]),
        ("CSBOT_SECRET_KEY", "with $ and = and #", "with $ and = and #"),
    ],
)
def test_setting_is_read_as_its_type(
    name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    assert env.read(name) == value


@pytest.mark.parametrize("name", ["CSBOT_PORT", "CHAT_SWEEP_SECONDS"])
def test_wrong_number_is_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "many")
    with pytest.raises((ValueError, ImproperlyConfigured)):
        env.read(name)


def test_every_setting_is_named_once_explained_and_used() -> None:
    names = [setting.name for setting in env.SETTINGS]
    assert len(names) == len(set(names))
    for setting in env.SETTINGS:
        assert setting.help.endswith((".", ".)")), setting.name
        assert setting.cast is type(setting.default), setting.name
    used = re.findall(r'env\.read\("(\w+)"\)', (ROOT / "csbot" / "settings.py").read_text())
    assert set(used) == set(names)


def test_nothing_else_reads_settings_from_the_environment() -> None:
    names = {setting.name for setting in env.SETTINGS}
    for package in ("chat", "moderation", "training"):
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text())
            texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
            reads = any(
                isinstance(n, ast.Attribute) and n.attr == "environ" for n in ast.walk(tree)
            )
            assert not (reads and texts & names), path

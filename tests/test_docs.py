"""The documents say what the code does, or this fails."""

import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from django.apps import apps
from django.core.management import find_commands

from chat import events
from chat.inbox import events as inbox_events
from csbot.management.commands import document_settings

ROOT = Path(__file__).resolve().parent.parent
OUR_APPS = ("csbot", "chat", "moderation", "training")
PAGES = sorted(p for p in ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)")


def read(path: str) -> str:
    return (ROOT / path).read_text()


def targets() -> set[str]:
    return set(re.findall(r"(?m)^([a-z][a-z-]*):", read("Makefile")))


def frame_types(frames: tuple[Any, ...]) -> set[str]:
    return {name for frame in frames for name in get_args(get_type_hints(frame)["type"])}


def documented_types(heading: str, page: str = "docs/protocol.md") -> set[str]:
    """The first column of the table under a heading of the protocol."""
    section = read(page).split(f"### {heading}\n")[1].split("\n### ")[0]
    return set(re.findall(r"(?m)^\| `([a-z._]+)` \|", section))


def test_settings_page_is_what_the_table_prints() -> None:
    assert read("docs/settings.md") == document_settings.render(), (
        "run: python manage.py document_settings > docs/settings.md"
    )


def test_every_command_is_documented() -> None:
    folders = [Path(apps.get_app_config(name).path) / "management" for name in OUR_APPS]
    commands = {c for folder in folders for c in find_commands(str(folder))}
    documented = set(re.findall(r"(?m)^\| `([a-z_]+)` \|", read("docs/commands.md")))
    assert documented == commands


def test_every_make_target_is_documented() -> None:
    documented = set(re.findall(r"`make ([a-z-]+)`", read("docs/commands.md")))
    assert documented == targets() - {"help", "setup", "setup-dev", "browser"}


def test_protocol_lists_every_frame_and_no_other() -> None:
    assert documented_types("Requests") == frame_types(events.REQUESTS)
    assert documented_types("Events") == frame_types(events.EVENTS)


def test_console_page_lists_every_frame_of_the_inbox_and_no_other() -> None:
    page = "docs/console.md"
    assert documented_types("Inbox requests", page) == frame_types(inbox_events.REQUESTS)
    assert documented_types("Inbox events", page) == frame_types(inbox_events.EVENTS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []


def test_commands_of_the_readme_exist_and_ci_runs_its_tests() -> None:
    commands = re.findall(r"(?m)^make ([a-z-]+)", read("README.md"))
    assert commands == ["run", "test"]
    assert set(commands) <= targets()
    assert "make test\n" in read(".ci/run")

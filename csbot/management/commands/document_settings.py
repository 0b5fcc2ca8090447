"""``manage.py document_settings > docs/settings.md``: the table of settings for people."""

from typing import Any

from django.core.management.base import BaseCommand

from csbot import env

HEAD = """\
# Settings

Every setting is an environment variable; an empty one counts as not set. They are read once, when a process starts.
This page is printed from the table in `csbot/env.py`: `python manage.py document_settings > docs/settings.md`.

| name | default | meaning |
|---|---|---|
"""


def render() -> str:
    """The page as Markdown."""
    rows = (f"| `{s.name}` | {_default(s.default)} | {s.help} |\n" for s in env.SETTINGS)
    return HEAD + "".join(rows)


def _default(value: Any) -> str:
    if value in ("", []):
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


class Command(BaseCommand):
    help = "Print docs/settings.md."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(render(), ending="")

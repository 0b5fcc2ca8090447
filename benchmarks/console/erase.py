"""A visitor among many is erased: seconds until it is done, and how many of fifty canaries are left."""

import io
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from benchmarks.console import history
from benchmarks.machine import Figure, figure
from chat.models import Message
from chat.selectors import demo_bot
from chat.services import conversations, left_messages
from chat.services.visitors import register_visitor, start_conversation
from training.models import Erasure
from training.services import erasing

MESSAGES = 100_000
CANARIES = 50
MOST_SECONDS = 60.0


def measure(messages: int = MESSAGES) -> list[Figure]:
    """Needs a migrated database and a Valkey of its own; leaves the rows of the others there."""
    call_command("seed_demo", verbosity=0, stdout=io.StringIO())
    bot = demo_bot()
    assert bot is not None
    if Message.objects.count() < messages:
        history.write(bot, messages=messages, days=180)
    visitor, _token = register_visitor(bot)
    words = [f"zq{number:02d}canary" for number in range(CANARIES)]
    for word in words[1:]:
        conversations.post_message(
            start_conversation(visitor, locale="en"), text=f"Where is my {word}?"
        )
    last = start_conversation(visitor, locale="en")
    left_messages.leave(last, name="Bo", contact="bo@shop.example", text=f"about {words[0]}")
    before = len(places_of(words, [settings.VAR_DIR]))
    began = time.monotonic()
    erasing.erase(visitor, by=None, reason=Erasure.Reason.ASKED)
    took = time.monotonic() - began
    wait_for_valkey()
    after = len(places_of(words, [settings.VAR_DIR]))
    label = f"among {Message.objects.count() // 1000},000 messages"
    return [
        figure("erase: canaries found before", "", [before], at_least=CANARIES),
        figure("erase: canaries found afterwards", "", [after], at_most=0),
        figure(f"erase: one visitor {label}", "s", [took], at_most=MOST_SECONDS),
    ]


def places_of(words: Iterable[str], folders: Iterable[Path]) -> dict[str, list[str]]:
    """Where each word is still found: rows of any table, Valkey, files in the folders."""
    listed = list(words)
    found: dict[str, list[str]] = {}

    def look(name: str, content: bytes) -> None:
        for word in listed:
            if word.encode() in content:
                found.setdefault(word, []).append(name)

    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the database's own names
            for row in cursor.fetchall():
                for value in row:
                    is_raw = isinstance(value, bytes | memoryview)
                    look(table, bytes(value) if is_raw else str(value).encode())
    with redis.Redis.from_url(settings.VALKEY_URL) as client:
        for key in client.scan_iter("*"):
            look("valkey", bytes(key) + (client.dump(key) or b""))
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                look(str(path), _content(path))
    return found


def _content(path: Path) -> bytes:
    """Read by another process. Closing a file of SQLite in this one would end the locks of its open
    connections (POSIX locks belong to the process), and the next process to leave would take the log away
    under them: https://www.sqlite.org/howtocorrupt.html, section 2.2."""
    return subprocess.run(["cat", "--", path], stdout=subprocess.PIPE, check=True).stdout  # noqa: S607


def wait_for_valkey() -> None:
    """Until it has written its file anew."""
    with redis.Redis.from_url(settings.VALKEY_URL) as client:
        while client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.02)

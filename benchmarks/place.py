"""A csbot of its own: settings, database and Valkey in a temporary folder."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import django

from csbot import env, valkey
from tests.services import environment


@dataclass(frozen=True, slots=True)
class Options:
    """``data``: labelled data of other people, None without; ``is_quick``: a tenth of the work."""

    data: Path | None = None
    is_quick: bool = False

    def scaled(self, count: int) -> int:
        """``count``, or a tenth of it."""
        return max(1, count // 10) if self.is_quick else count


@contextlib.contextmanager
def installation(**settings: str) -> Iterator[None]:
    """Django, set up with an empty database and a Valkey; no setting of the person's own counts.

    ``settings`` are environment variables, for this process and its children.
    """
    # Short, because a socket's path may have about a hundred bytes.
    var = Path(tempfile.mkdtemp(prefix="csbot-bench-"))
    for setting in env.SETTINGS:
        os.environ.pop(setting.name, None)
    chosen = {"CHAT_EMBEDDER": "e5", "CSBOT_LOG_LEVEL": "ERROR", **settings}
    os.environ.update(environment(var, **chosen))
    django.setup()
    from django.conf import settings as ours
    from django.core.management import call_command

    server = valkey.start(ours.VALKEY_SOCKET.parent)
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(var, ignore_errors=True)

"""What an agent does for customers, in the words of the tests: one process that calls services."""

import json
import subprocess
import sys
from typing import Any

from tests.services import ROOT, Services

LISTEN = """
import json, sys
names = {}
for line in sys.stdin:
    try:
        exec(json.loads(line), names)
        answer = {"value": names.pop("value", None)}
    except Exception as error:
        answer = {"error": repr(error)}
    print("answer " + json.dumps(answer), flush=True)
"""
BEGIN = """
from django.contrib.auth.models import User
from chat.models import Bot, Conversation, LeftMessage
from chat.selectors import demo_bot
from chat.services import agents, publishing, takeover

def colleague(name):
    first, last = name.split()
    user, _ = User.objects.get_or_create(
        username=first.lower(), defaults={"first_name": first, "last_name": last, "is_staff": True}
    )
    return user

def newest():
    return Conversation.objects.select_related("bot", "agent").latest("id")
"""


class Agent:
    """A colleague who works in the newest conversation, and who knows what is stored."""

    def __init__(self, csbot: Services) -> None:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", LISTEN]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=csbot.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.do(BEGIN)

    def close(self) -> None:
        self._process.communicate(timeout=20)

    def do(self, code: str) -> Any:
        """Run ``code`` in csbot; what it calls ``value`` comes back."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("answer "):
                answer = json.loads(line.removeprefix("answer "))
                assert "error" not in answer, answer["error"]
                return answer["value"]
        raise RuntimeError("the agent's process has ended")

    def take_over(self, name: str = "Ana Weber") -> None:
        self.do(f"me = colleague({name!r}); takeover.take_over(newest(), by=me)")

    def write(self, text: str) -> None:
        self.do(f"agents.post(newest(), text={text!r}, by=me)")

    def type(self) -> None:
        self.do(
            'publishing.group_send(newest().group, "event", {"frame": {"type": "agent.typing"}})'
        )

    def hand_back(self) -> None:
        self.do("takeover.hand_back(newest(), by=me)")

    def end(self) -> None:
        self.do("takeover.close(newest(), by=me)")

    def go_home(self) -> None:
        """Nobody is there on any day."""
        hours = {"timezone": "Europe/Berlin", "weekly": {}}
        self.do(f"Bot.objects.update(office_hours={hours!r})")

    def come_back(self) -> None:
        self.do("Bot.objects.update(office_hours={})")

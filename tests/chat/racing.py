"""A takeover against a runner that settles and a customer who writes, all in the same instant.

For the tests, and a thousand times for ``benchmarks.console``.
"""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from django.contrib.auth.models import User
from django.db import connection

from chat.models import Conversation, Message
from chat.services import conversations, replies, takeover
from chat.services.replies import Claim, Provenance
from moderation.models import AuditEntry
from tests.factories import ConversationFactory, DeploymentFactory, VisitorFactory

PATIENCE_SECONDS = 30


class Race:
    """Three who act at once, each with a connection of their own."""

    def __init__(self, ann: User) -> None:
        self._ann = ann
        self._visitor = VisitorFactory(bot=DeploymentFactory().bot)
        self._start = threading.Barrier(3)
        self._pool = ThreadPoolExecutor(3)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        gate = threading.Barrier(3)

        def leave() -> None:
            gate.wait(PATIENCE_SECONDS)
            connection.close()

        for each in [self._pool.submit(leave) for _ in range(3)]:
            each.result()
        self._pool.shutdown()

    def run(self, number: int) -> list[str]:
        """One race in a new conversation; returns what is wrong afterwards."""
        conversation = ConversationFactory(visitor=self._visitor)
        question = conversations.post_message(conversation, text=f"Question {number}?").message
        [claim] = replies.claim(owner="runner", limit=1)
        racers = [
            lambda: takeover.take_over(conversation, by=self._ann),
            lambda: _settle(claim),
            lambda: conversations.post_message(conversation, text=f"More {number}"),
        ]
        for each in [self._pool.submit(self._together, racer) for racer in racers]:
            each.result()
        return _wrong(conversation, question.replies.get())

    def _together(self, racer: Callable[[], object]) -> None:
        self._start.wait(PATIENCE_SECONDS)
        racer()


def _settle(claim: Claim) -> None:
    provenance = Provenance(None)
    if not replies.settle_sent(claim, text="Said.", source="model", provenance=provenance):
        replies.keep_cancelled_text(claim, text="Sai")


def _wrong(conversation: Conversation, reply: Message) -> list[str]:
    joined = conversation.messages.get(code="agent_joined").seq
    said = conversation.messages.filter(role=Message.Role.ASSISTANT)
    silenced = AuditEntry.objects.filter(
        action="conversation.taken_over", target=takeover.target_of(conversation)
    ).get()
    wrong = []
    if said.filter(status__in=["pending", "generating"]).exists():
        wrong.append("a reply still waits")
    if said.filter(seq__gt=joined).exists():
        wrong.append("a reply began after the takeover")
    if reply.status == "cancelled" and (reply.text or reply.code != "taken_over"):
        wrong.append("a cancelled reply kept its text")
    cancelled = said.filter(status="cancelled", text="").count()
    if json.loads(silenced.facts)["silenced"] != cancelled:
        wrong.append("a reply was settled after it was silenced")
    return wrong

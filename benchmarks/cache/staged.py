"""Conversations through the services, answered by the real seats with a scripted engine.

No socket, no model, and no time lost: what customers are given is decided by the same code that
decides it for them.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import InMemoryChannelLayer, channel_layers
from django.db import connection

from chat import prompts
from chat.deployments import EngineShelf
from chat.errand import Shelves
from chat.inference.engine import ChatMessage
from chat.inference.opening import EngineSpec
from chat.knowledge.embedding import Vectors, unit
from chat.libraries import LibraryShelf
from chat.models import Bot, Calibration, Conversation, Deployment, Message, Visitor
from chat.seat import Seat
from chat.services import conversations, replies, visitors
from moderation.current import current_policy
from tests.chat.scripted import ScriptedEngine

SEATS = 8
Script = Callable[[list[ChatMessage], str], str]
"""What is said to a prompt by the artifact of that name."""


class Letters:
    """An embedder for texts of a few fixed wordings: letters, hashed. Costs next to nothing."""

    name = "letters-64"

    def embed(self, questions: Sequence[str]) -> Vectors:
        rows = np.zeros((len(questions), 64), np.float32)
        for row, question in zip(rows, questions, strict=True):
            for word in question.lower().split():
                row[hashlib.sha256(word.encode("utf-8", "replace")).digest()[0] % 64] += 1
        return unit(rows)


class Stage:
    """Everything but sockets and processes. Not safe to use from threads."""

    def __init__(self, script: Script) -> None:
        self._script = script
        # Whether rows reach the disk before a power cut is not asked here.
        connection.close()
        connection.settings_dict["OPTIONS"]["init_command"] = (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        )
        connection.settings_dict["CONN_MAX_AGE"] = None
        channel_layers.set("default", InMemoryChannelLayer())
        self._threads = ThreadPoolExecutor(SEATS)
        self._shelves = Shelves(EngineShelf(self._open), LibraryShelf(Letters()))

    def _open(self, spec: EngineSpec) -> ScriptedEngine:
        assert spec.artifact is not None
        name = spec.artifact.name

        def say(messages: list[ChatMessage]) -> Iterator[str]:
            return iter(re.split(r"(?<= )", self._script(messages, name)))

        engine = ScriptedEngine(say)
        engine.context_length = 4000
        return engine

    def close(self) -> None:
        """End the threads; the database may be closed then."""
        self._threads.shutdown()

    def post(self, conversation: Conversation, text: str) -> Message:
        """Ask; the reply's row, which is settled at once or waits for :meth:`settle`."""
        posted = conversations.post_message(conversation, text=text)
        reply: Message = posted.message.replies.latest("seq")
        return reply

    def settle(self) -> None:
        """Answer all that waits, several at once."""
        async_to_sync(self._settle)()

    async def _settle(self) -> None:
        while claims := await database_sync_to_async(replies.claim)(owner="stage", limit=SEATS):
            seats = [Seat(claim, self._shelves, self._threads) for claim in claims]
            await asyncio.gather(*(seat.answer() for seat in seats))


def make_bot(slug: str, secret: str, *, deployments: int = 1) -> Bot:
    """A bot whose instructions hold ``secret``, with deployments of which the first serves."""
    bot = Bot.objects.create(
        slug=slug,
        name=slug,
        instructions={"en": f"Our secret word is {secret}."},
        confidence_threshold=0,
    )
    for version in range(1, deployments + 1):
        Deployment.objects.create(
            bot=bot,
            version=version,
            artifact=f"{slug}-v{version}",
            is_active=version == 1,
        )
    Calibration.objects.create(
        bot=bot,
        purpose=Calibration.Purpose.MATCH,
        embedder=Letters.name,
        locale="en",
        values={"direct": 0.99, "rank": 2.0, "margin": 0.05, "near": 0.5},
    )
    return bot


def chat(visitor: Visitor) -> Conversation:
    """A new conversation."""
    return visitors.start_conversation(visitor, locale="en")


def versions(bot: Bot, artifact: str) -> str:
    """All that an answer of ``bot`` depends on now, as words that moderation lets through."""
    knowledge = Bot.objects.values_list("knowledge_version", flat=True).get(pk=bot.pk)
    policy = current_policy().version
    return f"made by {artifact} prompt {prompts.VERSION} policy {policy} facts {knowledge}"

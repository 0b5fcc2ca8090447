"""The inbox's socket: a live list of an agent's conversations, and one that is open.

What happens is only a hint here: the list is read anew, a quarter of a second later and for all
that happened meanwhile, from what this agent may see.
"""

import asyncio
import time
from typing import Any

from channels.db import database_sync_to_async
from django.http import HttpRequest
from django.utils import translation

from chat.access import NotFound, access_conversation_of, bots_of
from chat.frames import FrameError, parse
from chat.inbox import presence, rows
from chat.inbox.frames import SHAPES
from chat.inbox.presentation import person_data
from chat.inbox.refusals import CAUSES, error_frame
from chat.inbox.requests import REQUESTS
from chat.models import Bot, Conversation
from chat.staff_socket import StaffConsumer
from moderation.actors import Actor, acting

GATHER_SECONDS = 0.25
FIRST_QUERY: dict[str, Any] = {"tab": "waiting"}
SILENT = ("agent.typing", "conversation.read")
"""Requests that nobody waits for an answer to."""


class InboxConsumer(StaffConsumer):
    permission = "chat.answer_conversation"

    async def begin(self) -> None:
        self.query = FIRST_QUERY
        self.watched: Conversation | None = None
        self.changed_ids: set[str] = set()
        self.gathering: asyncio.Task[None] | None = None
        self.language = _language(self.scope)
        bots = await self._follow_bots()
        # Nobody has to hear of themselves.
        await self._be_present()
        await self.join(presence.GROUP)
        self.post(await database_sync_to_async(self._ready)(bots))

    async def hear(self, text: str) -> None:
        try:
            kind, fields = parse(text, SHAPES)
        except FrameError as error:
            self.post(error_frame(error, error.frame))
            return
        if kind == "inbox.list":
            self.query = fields
            self.post(await database_sync_to_async(self._listed)())
        elif kind == "conversation.leave":
            await self._watch(None)
        else:
            if kind == "conversation.open":
                # First the groups, then the state: what happens in between comes twice, at worst.
                await self._watch(await self._access(fields["id"]))
            answer = await database_sync_to_async(self._perform)(kind, fields)
            if kind not in SILENT or answer["type"] == "error":
                self.post(answer)

    async def confirmed(self) -> None:
        """Grants change, too: which bots there are, and whose the watched conversation is."""
        await self._follow_bots()
        if (watched := self.watched) and await self._access(watched.public_id) is None:
            await self._watch(None)
            self.post({"type": "conversation.gone", "conversation": str(watched.public_id)})
        if time.monotonic() - self.present_at > presence.REFRESH_SECONDS:
            await self._be_present()

    async def left(self) -> None:
        if self.gathering is not None:
            self.gathering.cancel()
        await database_sync_to_async(presence.depart)(self.user, self.channel_name)

    async def event(self, message: dict[str, Any]) -> None:
        """Something happened in the conversation that is watched, or was a moment ago."""
        name = message.get("conversation")
        if self.watched is not None and name == str(self.watched.public_id):
            frame = message["frame"]
            self.post({"type": "conversation.event", "conversation": name, "frame": frame})

    async def hush(self, message: dict[str, Any]) -> None:
        """For customers' sockets: agents may see what the bot was about to say."""

    async def touched(self, message: dict[str, Any]) -> None:
        """A conversation of one of the bots is another than before."""
        self.changed_ids.add(message["conversation"])
        if self.gathering is None or self.gathering.done():
            self.gathering = asyncio.create_task(self._tell_changes())

    async def presence(self, message: dict[str, Any]) -> None:
        """Somebody came or went."""
        people = await database_sync_to_async(presence.people)(self.user)
        self.post({"type": "presence.changed", "people": people})

    async def _tell_changes(self) -> None:
        while self.changed_ids:
            await asyncio.sleep(GATHER_SECONDS)
            ids, self.changed_ids = self.changed_ids, set()
            self.post(await database_sync_to_async(self._changes)(ids))

    async def _watch(self, conversation: Conversation | None) -> None:
        before, self.watched = self.watched, conversation
        if before is not None:
            await self.part(before.group)
            await self.part(before.staff_group)
        if conversation is not None:
            await self.join(conversation.group)
            await self.join(conversation.staff_group)

    async def _access(self, public_id: object) -> Conversation | None:
        try:
            found: Conversation = await database_sync_to_async(access_conversation_of)(
                self.user, public_id
            )
        except NotFound:
            return None
        return found

    async def _follow_bots(self) -> list[Bot]:
        bots: list[Bot] = await database_sync_to_async(self._bots)()
        wanted = {bot.inbox_group for bot in bots}
        joined = {group for group in self.groups_joined if group.startswith("inbox.")}
        for group in joined - wanted - {presence.GROUP}:
            await self.part(group)
        for group in wanted - joined:
            await self.join(group)
        return bots

    async def _be_present(self) -> None:
        self.present_at = time.monotonic()
        await database_sync_to_async(presence.arrive)(self.user, self.channel_name)

    def _bots(self) -> list[Bot]:
        return list(bots_of(self.user).order_by("name", "pk"))

    def _ready(self, bots: list[Bot]) -> dict[str, Any]:
        return {
            "type": "ready",
            "me": person_data(self.user),
            "bots": [{"id": str(bot.public_id), "name": bot.name} for bot in bots],
            "people": presence.people(self.user),
            "counts": rows.counts(self.user),
        }

    def _listed(self) -> dict[str, Any]:
        found, is_more = rows.listed(self.user, self.query)
        return {
            "type": "inbox.listed",
            "tab": self.query["tab"],
            "rows": found,
            "is_more": is_more,
            "counts": rows.counts(self.user),
        }

    def _changes(self, ids: set[str]) -> dict[str, Any]:
        found = rows.of_ids(self.user, self.query, ids)
        return {
            "type": "inbox.changed",
            "rows": found,
            "gone": sorted(ids - {row["id"] for row in found}),
            "counts": rows.counts(self.user),
        }

    def _perform(self, kind: str, fields: dict[str, Any]) -> Any:
        """Run one request, in a thread. A refusal is an answer, too."""
        with translation.override(self.language), acting(Actor.of(self.user)):
            try:
                return REQUESTS[kind](self.user, fields) or {"type": "done", "request": kind}
            except CAUSES as error:
                return error_frame(error, {"type": kind, **fields})


def _language(scope: dict[str, Any]) -> str:
    """The language that the agent's pages are in."""
    request = HttpRequest()
    request.COOKIES = scope["cookies"]
    headers = dict(scope["headers"])
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", b"").decode("latin-1")
    return translation.get_language_from_request(request)

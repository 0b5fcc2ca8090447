"""A socket of the console: for staff who are logged in and may, for as long as they may.

Whoever logs out, is disabled or loses the right is closed within seconds, and asks for nothing
meanwhile: each frame that comes is preceded by a check of its own.
"""

import asyncio
import contextlib
from typing import Any, ClassVar

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.utils.module_loading import import_string

from chat import limits
from chat.outbox import Outbox

TRUST_SECONDS = 3.0
FRAME_BYTES = 32 * 1024
FRAMES_PER_SECOND = 20
CLOSE_SECONDS = 5

CLOSE_FORBIDDEN = 4403
CLOSE_GONE = 4404
CLOSE_TOO_SLOW = 4408
CLOSE_TOO_MANY = 4429
FRAME_TOO_LARGE = 1009


class Forbidden(Exception):
    """Nobody who is logged in as staff with this right."""


def staff_member(session_key: str, permission: str) -> User:
    """Ask the session and the user anew, as every page does. Raises :class:`Forbidden`."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = auth.get_user(request)
    # An address that is being tried out by nobody has no rights to ask for.
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        raise Forbidden
    # Their second factor, too: the same door that pages have.
    if not import_string(settings.CHAT_STAFF_DOOR)(user, request.session):
        raise Forbidden
    if not user.has_perm(permission):
        raise Forbidden
    return user


class StaffConsumer(AsyncWebsocketConsumer):
    """Subclasses say which ``permission`` it takes, and fill :meth:`begin` and :meth:`hear`."""

    permission: ClassVar[str]
    user: User
    outbox: Outbox | None = None

    async def begin(self) -> None:
        """The socket is open and ``user`` may: join groups and say what there is."""

    async def hear(self, text: str) -> None:
        """A frame of somebody who still may."""

    async def confirmed(self) -> None:
        """Asked again, ``user`` still may: what else depends on it is checked here."""

    async def left(self) -> None:
        """The socket is closed."""

    async def connect(self) -> None:
        self.groups_joined: set[str] = set()
        self.rate = limits.FrameRate(FRAMES_PER_SECOND)
        await self.accept()
        origin = dict(self.scope["headers"]).get(b"origin", b"").decode("latin-1")
        if origin not in settings.OWN_ORIGINS:
            await self.close(CLOSE_FORBIDDEN)
            return
        self.session = self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")
        try:
            self.user = await self._ask()
        except Forbidden:
            await self.close(CLOSE_FORBIDDEN)
            return
        self.outbox = Outbox(self._transmit, self._drop_slow_browser)
        self.watch = asyncio.create_task(self._keep_asking())
        await self.begin()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.outbox is None:
            return
        if self.rate.is_exceeded():
            await self.end(CLOSE_TOO_MANY)
        elif len((text_data or "").encode("utf-8", "surrogatepass")) > FRAME_BYTES:
            await self.end(FRAME_TOO_LARGE)
        elif await self._is_trusted():
            await self.hear(text_data or "")

    async def disconnect(self, code: int) -> None:
        await self._let_go()

    def post(self, frame: Any) -> None:
        """Send one frame, if there is still somebody to hear it."""
        if self.outbox is not None:
            self.outbox.post(frame)

    async def join(self, group: str) -> None:
        self.groups_joined.add(group)
        await self.channel_layer.group_add(group, self.channel_name)

    async def part(self, group: str) -> None:
        self.groups_joined.discard(group)
        await self.channel_layer.group_discard(group, self.channel_name)

    async def end(self, code: int) -> None:
        """Stop listening, then say goodbye, without waiting long for it to be heard."""
        await self._let_go()
        # The browser may have gone first.
        with contextlib.suppress(TimeoutError, OSError):
            await asyncio.wait_for(self.close(code), CLOSE_SECONDS)

    async def _is_trusted(self) -> bool:
        """Whether the socket may go on; if not, this was the last of it."""
        if self.outbox is None:
            return False
        try:
            self.user = await self._ask()
        except Forbidden:
            await self.end(CLOSE_FORBIDDEN)
            return False
        return True

    async def _ask(self) -> User:
        user: User = await database_sync_to_async(staff_member)(self.session, self.permission)
        return user

    async def _keep_asking(self) -> None:
        while True:
            await asyncio.sleep(TRUST_SECONDS)
            if not await self._is_trusted():
                return
            await self.confirmed()

    async def _transmit(self, text: str) -> None:
        await self.send(text_data=text)

    async def _drop_slow_browser(self) -> None:
        await self.end(CLOSE_TOO_SLOW)

    async def _let_go(self) -> None:
        outbox, self.outbox = self.outbox, None
        if outbox is None:
            return
        if asyncio.current_task() is not self.watch:
            self.watch.cancel()
        outbox.close()
        for group in list(self.groups_joined):
            await self.part(group)
        await self.left()

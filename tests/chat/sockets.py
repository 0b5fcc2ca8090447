"""A page's end of a socket, against the real application: the widget's by default."""

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async

from chat.models import Conversation
from chat.services import visitors
from csbot.asgi import application

ORIGIN = b"http://127.0.0.1:8000"


class Socket:
    """``async with Socket() as socket`` connects; leaving disconnects."""

    def __init__(
        self, origin: bytes | None = ORIGIN, *, path: str = "/ws/v1/chat", cookie: str = ""
    ) -> None:
        headers = [] if origin is None else [(b"origin", origin)]
        if cookie:
            headers.append((b"cookie", cookie.encode()))
        self.communicator = ApplicationCommunicator(
            application,
            {
                "type": "websocket",
                "path": path,
                "query_string": b"",
                "headers": headers,
                "client": ("192.0.2.1", 40000),
                "subprotocols": [],
            },
        )

    async def __aenter__(self) -> "Socket":
        await self.communicator.send_input({"type": "websocket.connect"})
        accepted = await self.communicator.receive_output(2)
        assert accepted["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.communicator.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.communicator.wait(5)

    async def send(self, *, text: str | None = None, data: bytes | None = None) -> None:
        await self.communicator.send_input(
            {"type": "websocket.receive", "text": text, "bytes": data}
        )

    async def authenticate(self, conversation: Conversation) -> dict[str, Any]:
        ticket = await database_sync_to_async(visitors.issue_ticket)(conversation)
        return await self.ask("authenticate", protocol=1, ticket=ticket)

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send one request and return the next frame."""
        await self.request(kind, **fields)
        return await self.frame()

    async def request(self, kind: str, **fields: Any) -> None:
        """Send one request."""
        await self.send(text=json.dumps({"type": kind, **fields}))

    async def frame(self, timeout: float = 2) -> dict[str, Any]:
        output = await self.communicator.receive_output(timeout)
        assert output["type"] == "websocket.send", output
        return dict(json.loads(output["text"]))

    async def frame_of(self, kind: str) -> dict[str, Any]:
        """The next frame of that type; others are skipped."""
        while True:
            frame = await self.frame()
            if frame["type"] == kind:
                return frame

    async def close_code(self, timeout: float = 2) -> int:
        """The code that the server closes with; frames before it are skipped."""
        while True:
            output = await self.communicator.receive_output(timeout)
            if output["type"] == "websocket.close":
                return int(output["code"])

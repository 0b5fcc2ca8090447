"""A customer over the real network: REST to come in, one websocket to talk.

For fault tests and benchmarks against running processes, on loopback alone.
"""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin


@dataclass(slots=True)
class Heard:
    """One answer as it came in. Times are seconds since the question was sent."""

    accepted: float = 0.0
    first_delta: float = 0.0
    settled: float = 0.0
    streamed: str = ""
    message: dict[str, Any] = field(default_factory=dict)


class Customer:
    """One visitor with one conversation. ``connect`` may be called again after a break."""

    def __init__(self, url: str, bot: str, *, locale: str = "en") -> None:
        assert url.startswith("http://127.0.0.1:")
        self.url = url
        self.http = httpx.AsyncClient(base_url=f"{url}/api/v1/", timeout=15, trust_env=False)
        self.bot = bot
        self.locale = locale
        self.conversation = ""
        self.socket: ClientConnection | None = None

    async def come_in(self) -> "Customer":
        """Register, start a conversation and connect."""
        visitor = (await self._post(f"bots/{self.bot}/visitors"))["token"]
        self.http.headers["Authorization"] = f"Visitor {visitor}"
        self.conversation = (await self._post("conversations", locale=self.locale))["id"]
        await self.connect()
        return self

    async def connect(self) -> None:
        if self.socket is not None:
            await self.socket.close()
        ticket = (await self._post(f"conversations/{self.conversation}/ticket"))["ticket"]
        self.socket = await connect(
            f"{self.url.replace('http', 'ws')}/ws/v1/chat",
            origin=Origin(self.url),
            proxy=None,
            compression=None,
        )
        await self.send("authenticate", protocol=1, ticket=ticket)
        ready = await self.frame()
        assert ready["type"] == "ready", ready

    async def leave(self) -> None:
        if self.socket is not None:
            await self.socket.close()
        await self.http.aclose()

    async def send(self, kind: str, **fields: Any) -> None:
        assert self.socket is not None
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def frame(self, timeout: float = 60) -> dict[str, Any]:
        assert self.socket is not None
        return dict(json.loads(await asyncio.wait_for(self.socket.recv(), timeout)))

    async def say(self, text: str) -> str:
        """Send a message without waiting for anything; its client id."""
        client_message_id = str(uuid.uuid4())
        await self.send("message.send", client_message_id=client_message_id, text=text)
        return client_message_id

    async def ask(self, text: str) -> Heard:
        """Send a message and listen until its reply is settled."""
        begun = time.perf_counter()
        await self.say(text)
        heard = Heard()
        while not heard.settled:
            frame = await self.frame()
            self.hear(heard, frame, time.perf_counter() - begun)
        return heard

    def hear(self, heard: Heard, frame: dict[str, Any], now: float) -> None:
        """Note one frame."""
        match frame["type"]:
            case "message.accepted":
                heard.accepted = now
            case "message.created" if _is_answer(frame["message"]):
                # An approved answer is there at once, already settled.
                heard.settled, heard.message = now, frame["message"]
            case "message.delta":
                heard.first_delta = heard.first_delta or now
                kept = "" if frame["offset"] == 0 else heard.streamed
                heard.streamed = kept + frame["text"]
            case "message.requeued":
                heard.streamed = ""
            case "message.sent" | "message.failed" | "message.cancelled":
                heard.settled, heard.message = now, frame["message"]
            case "error":
                raise RuntimeError(frame)

    async def messages(self, after: int = 0) -> list[dict[str, Any]]:
        """The conversation's messages over REST."""
        answer = await self.http.get(f"conversations/{self.conversation}/messages?after={after}")
        answer.raise_for_status()
        return list(answer.json()["messages"])

    async def _post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.http.post(path, json=body)
        answer.raise_for_status()
        return dict(answer.json())


def _is_answer(message: dict[str, Any]) -> bool:
    return (message["role"], message["status"]) == ("assistant", "sent")

"""A small OpenAI-compatible server on the loopback address: it repeats the question."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LONGEST_PROMPT = 4000
"""Characters; beyond it the server refuses as real ones do."""
UNSURE = "unsure"
"""The model whose log-probabilities are missing in every way there is."""
_MISSING: tuple[Any, ...] = (
    None,
    {},
    {"content": None},
    {"content": []},
    {"content": [{"token": "word"}]},
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = body["messages"][-1]["content"]
        if len(question) > LONGEST_PROMPT:
            self._refuse(400, "the request exceeds the available context size")
        elif question == "fail":
            self._refuse(503, "loading model")
        else:
            words = re.findall(r"\s*\S+", question)[: body["max_tokens"]]
            self._answer(words, list(_logprobs(body, len(words))))

    def log_message(self, *_: object) -> None:
        pass

    def _refuse(self, status: int, message: str) -> None:
        text = json.dumps({"error": {"message": message}}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _answer(self, words: list[str], logprobs: list[Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        server = self.server
        assert isinstance(server, _Server)
        with server.counting():
            for word, logprob in zip(["", *words], [None, *logprobs], strict=True):
                event = {"choices": [{"delta": {"content": word}, "logprobs": logprob}]}
                try:
                    self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
                except OSError:
                    return
                time.sleep(0.003)
            self.wfile.write(b"data: [DONE]\n\n")


def _logprobs(body: dict[str, Any], count: int) -> Iterator[Any]:
    """What the server says about each of so many words: more than nothing only when asked."""
    for i in range(count):
        if not body.get("logprobs"):
            yield None
        elif body["model"] == UNSURE:
            yield _MISSING[i % len(_MISSING)]
        else:
            told = {"token": "word", "logprob": -i / 4}
            if body.get("top_logprobs"):
                told["top_logprobs"] = [{"token": str(n), "logprob": -1.0 - n} for n in range(10)]
            yield {"content": [told]}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.running = 0
        self._lock = threading.Lock()

    @contextmanager
    def counting(self) -> Iterator[None]:
        with self._lock:
            self.running += 1
        try:
            yield
        finally:
            with self._lock:
                self.running -= 1

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are expected here."""


@contextmanager
def server() -> Iterator[_Server]:
    """Run the server for the block; its address is ``server_address``."""
    running = _Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.shutdown()
        running.server_close()

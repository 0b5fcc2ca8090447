"""Any OpenAI-compatible server: vLLM, SGLang, the llama.cpp server, a cluster behind one URL."""

import contextlib
import json
import math
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from chat.inference.engine import ChatMessage, Choice, Continuation, EngineError, GenerationParams
from chat.inference.seats import Seats, Work

_MOST_LOGPROBS = 20
_BYTES_PER_TOKEN = 3
"""A cautious guess: the server's tokenizer is not ours to know. In UTF-8, a Chinese character
has three bytes and about one token."""


class OpenAIEngine:
    """Streams from ``url``/chat/completions. ``url`` ends in ``/v1``."""

    name = "openai"

    def __init__(
        self,
        url: str,
        *,
        model: str = "",
        api_key: str = "",
        seats: int = 8,
        context_length: int = 1024,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise EngineError(
                "The openai engine needs the address of a server, ending in /v1.",
                code="engine_unusable",
                retryable=False,
            )
        self.device = url
        self.seats = seats
        self.context_length = context_length
        self._model = model
        self._seats = Seats(seats)
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(60.0, connect=5.0),
            # A kept connection may be gone when it is used again, which fails a whole answer.
            limits=httpx.Limits(max_connections=seats, max_keepalive_connections=0),
        )

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """An estimate from the length of the text."""
        return sum(len(m["content"].encode()) // _BYTES_PER_TOKEN + 4 for m in messages)

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        """Yield the server's deltas; see :class:`chat.inference.engine.Engine`."""
        with self._seats.seat(request_id) as work:
            if work.is_over():
                return
            with self._failures(work), self._open(messages, params) as response:
                work.on_end(lambda: _hang_up(response))
                _check(response)
                for line in response.iter_lines():
                    if work.is_over():
                        return
                    choice = _choice(line)
                    if params.choices and (seen := _seen(choice, params.choices)):
                        yield _likeliest(seen, params)
                        return
                    if params.on_token is not None:
                        for logprob in _logprobs(choice):
                            params.on_token(logprob)
                    if delta := _delta(choice):
                        yield delta
            # A connection that was cut on purpose may look like a normal end.
            work.is_over()

    def likelihoods(self, request_id: str, continuations: Sequence[Continuation]) -> list[float]:
        """Refuse: the interface tells probabilities of what the model writes, of no given text."""
        raise EngineError(
            "The openai engine cannot tell how likely a given text is, as servers with this "
            "interface do not tell it. Engines that load the model themselves can.",
            code="cannot_weigh",
            retryable=False,
        )

    def cancel(self, request_id: str) -> None:
        """Hang up; servers stop generating when their client is gone."""
        self._seats.cancel(request_id)

    def close(self) -> None:
        """Hang up on every stream and close the connections."""
        self._seats.close()
        self._client.close()

    @contextlib.contextmanager
    def _open(
        self, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[httpx.Response]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": list(messages),
            "stream": True,
            "max_tokens": params.max_new_tokens,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "seed": params.seed,
        }
        if params.ignore_eos:
            # Not in OpenAI's own interface; vLLM, SGLang and llama.cpp know it.
            body["ignore_eos"] = True
        if params.on_token is not None or params.choices:
            body["logprobs"] = True
        if params.choices:
            body |= {"max_tokens": 1, "top_logprobs": _MOST_LOGPROBS}
        with self._client.stream("POST", "chat/completions", json=body) as response:
            yield response

    @contextlib.contextmanager
    def _failures(self, work: Work) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, httpx.StreamError, RuntimeError) as error:
            # Hanging up makes the read fail, which is then no failure of the server.
            if not work.is_over():
                raise EngineError(
                    f"The model server at {self.device} failed: {error}", code="server_failed"
                ) from error


def _hang_up(response: httpx.Response) -> None:
    stream = response.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if stream is not None else None
    if found is not None:
        # Closing alone does not wake a thread that waits for data. The server may be gone first.
        with contextlib.suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)


def _check(response: httpx.Response) -> None:
    if response.status_code == httpx.codes.OK:
        return
    response.read()
    text = response.text[:200]
    if response.status_code == 400 and "context" in text.lower():
        raise EngineError(text, code="prompt_too_long", retryable=False)
    raise EngineError(
        f"The model server answered {response.status_code}: {text}",
        code="server_refused",
        retryable=response.status_code in (408, 425, 429) or response.status_code >= 500,
    )


def _choice(line: str) -> dict[str, Any]:
    """What one server-sent event adds to the answer; empty for comments and the end."""
    kind, _, data = line.partition(":")
    if kind != "data" or data.strip() == "[DONE]":
        return {}
    try:
        event = json.loads(data)
    except ValueError as error:
        raise EngineError("The model server sent no JSON.", code="server_failed") from error
    if "error" in event:
        raise EngineError(f"The model server failed: {event['error']}", code="server_failed")
    return dict((event.get("choices") or [{}])[0])


def _delta(choice: dict[str, Any]) -> str:
    """The text of a choice; empty for roles."""
    return str((choice.get("delta") or {}).get("content") or "")


def _seen(choice: dict[str, Any], choices: Sequence[Choice]) -> dict[str, float]:
    """The choices among the likeliest first tokens that the server tells, each with its
    log-probability and bias; empty from servers that tell none."""
    for token in (choice.get("logprobs") or {}).get("content") or ():
        told = {
            str(each["token"]).strip(): float(each["logprob"])
            for each in token.get("top_logprobs") or ()
        }
        return {each.text: told[each.text] + each.bias for each in choices if each.text in told}
    return {}


def _likeliest(seen: dict[str, float], params: GenerationParams) -> str:
    best = max(seen, key=lambda text: seen[text])
    if params.on_token is not None:
        total = math.log(sum(math.exp(each - seen[best]) for each in seen.values()))
        params.on_token(-total)
    return best


def _logprobs(choice: dict[str, Any]) -> Iterator[float]:
    """The log-probabilities of a choice's tokens; none from servers that do not tell."""
    for token in (choice.get("logprobs") or {}).get("content") or ():
        if (logprob := token.get("logprob")) is not None:
            # Servers that round a probability of 1 may end up above it.
            yield min(0.0, float(logprob))

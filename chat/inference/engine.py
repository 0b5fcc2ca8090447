"""What every engine is: messages in, text deltas out.

Pure Python: no Django, no model library. The contract that all engines share is written
as one test suite, ``tests/chat/inference/test_engine_contract.py``, run over each of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict


class ChatMessage(TypedDict):
    """One turn as chat templates and OpenAI-compatible servers expect it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One text that an answer may be, a single token, and what is added to the natural
    log-probability that the model gives it."""

    text: str
    bias: float = 0.0


@dataclass(frozen=True, slots=True)
class GenerationParams:
    """How to generate one answer.

    ``temperature`` 0 is greedy. ``draft`` is a text that an engine may verify instead of
    generating token by token; engines without verification ignore it.

    ``on_token`` is called with the natural log-probability of each token of the answer, at most
    0, in order: by the thread that reads the stream, before the delta that the token completes.
    It is the probability that the model gave, whatever ``temperature`` and ``top_p`` made of it.
    The token that ends an answer is no part of it. Engines that do not know never call.

    With ``choices`` the answer is one of their texts, the likeliest with its bias, and ``on_token``
    hears how likely that one is among them. Engines without access to the model's probabilities
    take the likeliest that they can see, or let the model write and leave the choice to the caller.
    """

    max_new_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    ignore_eos: bool = False
    draft: str = ""
    on_token: Callable[[float], None] | None = None
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Continuation:
    """A reply to ``messages`` that has begun with ``begun`` and may go on with ``said``."""

    messages: tuple[ChatMessage, ...]
    begun: str
    said: str


class EngineError(Exception):
    """An engine could not answer. ``code`` is shown to programs, the text to operators.

    ``retryable`` says whether the same request may succeed later or elsewhere.
    """

    def __init__(self, message: str, *, code: str = "engine_error", retryable: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class Engine(Protocol):
    """A loaded model. All methods may be called from several threads at once."""

    name: str
    """Which engine this is, one of ``ENGINES`` in :mod:`chat.inference.opening`."""
    device: str
    """``cpu``, ``cuda`` or the address of a server."""
    seats: int
    """How many answers it generates at once; more callers wait inside :meth:`stream`."""
    context_length: int
    """Tokens that prompt and answer may take together."""

    def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of the prompt that :meth:`stream` would read for ``messages``."""
        ...

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        """Yield the answer as text deltas; their concatenation is the whole answer.

        Deltas are whole characters, never empty. Closing the iterator early ends the work.
        Raises :class:`EngineError`; a prompt that does not fit has code ``prompt_too_long``.
        """
        ...

    def likelihoods(self, request_id: str, continuations: Sequence[Continuation]) -> list[float]:
        """How likely the model is to write each ``said`` after its ``begun``, in the same order.

        Each is a natural log-probability, at most 0: the sum over the tokens of ``said``. Whether
        the reply then ends is no part of it, so nothing said is certain: 0. Nothing is generated.
        The continuations are read one after the other.

        Empty if the request was cancelled meanwhile. Raises :class:`EngineError`: with code
        ``prompt_too_long`` if one continuation does not fit, and ``cannot_weigh`` (not retryable)
        from engines that do not know how likely their model finds a text that it did not write.
        """
        ...

    def cancel(self, request_id: str) -> None:
        """End that request soon and free its seats; unknown ids are ignored."""
        ...

    def close(self) -> None:
        """Give back memory and threads; requests still running end with :class:`EngineError`."""
        ...

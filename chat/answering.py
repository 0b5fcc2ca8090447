"""From a customer's turn to the bot's words: one generator, read from top to bottom.

Knows no database and no socket. The runner calls it in a thread of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from chat import choosing, prompts
from chat.inference.engine import Choice, Engine, EngineError, GenerationParams
from chat.prompts import Prompt

LONGEST_UNIT = 160
REPEATS = 3
SHORTEST_LOOP = 24


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """One reply to be written. ``request_id`` names it to the engine for cancelling.

    ``knowledge_tokens`` bounds what is read of the prompt's knowledge; ``on_token`` hears the
    log-probability of each token from engines that know it. With ``choices`` the answer is one
    of them.
    """

    request_id: str
    prompt: Prompt
    max_new_tokens: int
    knowledge_tokens: int | None = None
    on_token: Callable[[float], None] | None = None
    choices: tuple[Choice, ...] = ()


def answer(request: AnswerRequest, engine: Engine) -> Iterator[str]:
    """Yield the answer as text deltas. Raises :class:`EngineError`."""
    try:
        if request.prompt.style == "questions":
            yield from _named(request, engine)
        else:
            yield from _written(request, engine)
    except prompts.PromptTooLong:
        raise EngineError(
            "the question does not fit the window", code="prompt_too_long", retryable=False
        ) from None
    finally:
        # However it ended, the seat is free for the next one.
        engine.cancel(request.request_id)


def _written(request: AnswerRequest, engine: Engine) -> Iterator[str]:
    messages = prompts.fit(
        request.prompt,
        tokens=engine.context_length - request.max_new_tokens,
        count=engine.count_tokens,
        knowledge_tokens=request.knowledge_tokens,
    )
    params = GenerationParams(
        max_new_tokens=request.max_new_tokens, on_token=request.on_token, choices=request.choices
    )
    yield from until_repetitive(engine.stream(request.request_id, messages, params))


def _named(request: AnswerRequest, engine: Engine) -> Iterator[str]:
    """The number of the approved answer under which the customer's question is likeliest."""
    if len(request.choices) == 1:
        # Nothing else comes close: there is nothing to choose.
        yield from _chosen(request, [0.0])
        return
    asked = prompts.continuations(
        request.prompt,
        most=len(request.choices),
        tokens=engine.context_length,
        count=engine.count_tokens,
        knowledge_tokens=request.knowledge_tokens,
    )
    # Nothing comes back for a request that was cancelled.
    if likelihoods := engine.likelihoods(request.request_id, asked):
        yield from _chosen(request, likelihoods)


def _chosen(request: AnswerRequest, likelihoods: Sequence[float]) -> Iterator[str]:
    named, share = choosing.likeliest(request.choices, likelihoods)
    if request.on_token is not None:
        request.on_token(share)
    yield named


def until_repetitive(deltas: Iterable[str]) -> Iterator[str]:
    """End a text that only says the same again and again, as small models may.

    A unit of up to ``LONGEST_UNIT`` characters that stands at the end ``REPEATS`` times or
    more, and over at least ``SHORTEST_LOOP`` characters, ends the answer. What was shown stays.
    """
    text = ""
    for delta in deltas:
        yield delta
        text = (text + delta)[-LONGEST_UNIT * REPEATS :]
        if _is_looping(text):
            return


def _is_looping(text: str) -> bool:
    for length in range(1, min(LONGEST_UNIT, len(text) // REPEATS) + 1):
        repeats = max(REPEATS, -(-SHORTEST_LOOP // length))
        if text.endswith(text[-length:] * repeats) and not text[-length:].isspace():
            return True
    return False

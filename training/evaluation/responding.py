"""What is evaluated: anything that answers a held-out conversation as a customer would see it."""

from dataclasses import dataclass
from typing import Literal, Protocol

from training.frozen import FrozenRow

Source = Literal["curated", "model", "notice"]
"""An approved answer that needed no model, the model's decision, or csbot's own words."""


@dataclass(frozen=True, slots=True)
class Response:
    """One answer.

    ``text`` is what the customer sees, ``hands_over`` whether it offers a person instead of an
    answer. ``seconds`` until all of it was there; ``tokens`` are those the model generated, 0 when
    none was asked. ``offered`` are the answers one click away: those of the questions that are
    offered together with a person.
    """

    text: str
    hands_over: bool
    source: Source
    confidence: float | None
    seconds: float
    tokens: int
    offered: tuple[str, ...] = ()


class Responder(Protocol):
    """The whole system around one model: what is found, what is read, what is said."""

    def respond(self, row: FrozenRow) -> Response:
        """Answer the row's last customer turn; its own answer is not looked at.

        Raises :class:`~chat.inference.engine.EngineError`.
        """
        ...

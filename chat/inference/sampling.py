"""Which token comes next: the most likely one, a drawn one that a seed repeats, one of a few, or
the one that a given text has there."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from chat.inference.engine import GenerationParams

_NUCLEUS = 256
"""Candidates that ``top_p`` chooses from; sorting a whole vocabulary takes milliseconds."""


def log_probability(logits: NDArray[np.float32], token: int) -> float:
    """The natural logarithm of the probability that ``logits`` give to ``token``."""
    peak = logits.max()
    powers = logits - peak
    np.exp(powers, out=powers)
    # The sum holds the peak's 1, so no rounding makes this positive.
    return float(logits[token] - peak - np.log(powers.sum()))


class Sampler:
    """Draws the tokens of one answer.

    ``limit`` is how many it may have: with choices one, otherwise as many as asked for.
    """

    def __init__(self, params: GenerationParams, token_of: Callable[[str], int]) -> None:
        self._temperature = params.temperature
        self._top_p = params.top_p
        self._random = np.random.default_rng(params.seed)
        self._tokens = np.array([token_of(each.text) for each in params.choices], np.intp)
        self._biases = np.array([each.bias for each in params.choices])
        self.limit = 1 if params.choices else params.max_new_tokens

    def log_probability(self, logits: NDArray[np.float32], token: int) -> float:
        """Of ``token`` in the whole vocabulary, or with its bias among the choices."""
        if not len(self._tokens):
            return log_probability(logits, token)
        return log_probability(self._weighed(logits), int(np.argmax(self._tokens == token)))

    def _weighed(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        weighed: NDArray[np.float32] = (logits[self._tokens] + self._biases).astype(np.float32)
        return weighed

    def pick(self, logits: NDArray[np.float32]) -> int:
        """The next token for one row of logits."""
        if len(self._tokens):
            return int(self._tokens[self._weighed(logits).argmax()])
        if self._temperature <= 0:
            return int(logits.argmax())
        count = min(_NUCLEUS, logits.size)
        candidates = np.argpartition(logits, -count)[-count:]
        candidates = candidates[np.argsort(-logits[candidates], kind="stable")]
        scaled = logits[candidates].astype(np.float64) / self._temperature
        weights = np.exp(scaled - scaled[0])
        weights /= weights.sum()
        # The token that crosses the border still belongs to the nucleus.
        kept = int(np.searchsorted(weights.cumsum(), self._top_p)) + 1
        weights = weights[:kept] / weights[:kept].sum()
        return int(candidates[: len(weights)][self._random.choice(len(weights), p=weights)])


class Forced:
    """Takes the given tokens, whatever the model would have written: to hear how likely they are.

    In the place of a :class:`Sampler`, for one answer.
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self.tokens = tuple(tokens)
        self.limit = len(tokens)
        self._left = iter(tokens)

    def log_probability(self, logits: NDArray[np.float32], token: int) -> float:
        """Of ``token`` in the whole vocabulary."""
        return log_probability(logits, token)

    def pick(self, _logits: NDArray[np.float32]) -> int:
        """The next of the tokens."""
        return next(self._left)

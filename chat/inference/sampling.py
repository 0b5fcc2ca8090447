"""Which token comes next: the most likely one, or a drawn one that a seed repeats."""

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
    """Draws the tokens of one answer."""

    def __init__(self, params: GenerationParams) -> None:
        self._temperature = params.temperature
        self._top_p = params.top_p
        self._random = np.random.default_rng(params.seed)

    def pick(self, logits: NDArray[np.float32]) -> int:
        """The next token for one row of logits."""
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

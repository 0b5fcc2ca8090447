from collections import Counter

import numpy as np
import pytest

from chat.inference.engine import GenerationParams
from chat.inference.sampling import Forced, Sampler, log_probability

LOGITS = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))


def drawn(params: GenerationParams, times: int = 2000) -> Counter[int]:
    sampler = Sampler(params, ord)
    return Counter(sampler.pick(LOGITS) for _ in range(times))


def test_log_probability_is_the_logarithm_of_the_softmax() -> None:
    shifted = LOGITS + np.float32(50)  # Models do not normalise their logits.
    told = [log_probability(shifted, token) for token in range(4)]
    assert told == pytest.approx(LOGITS.tolist(), abs=1e-5)


def test_certain_token_has_log_probability_zero_and_an_impossible_one_is_no_overflow() -> None:
    logits = np.array([1e4, -1e4, -np.inf], dtype=np.float32)
    assert [log_probability(logits, token) for token in range(3)] == [0.0, -2e4, -np.inf]


def test_temperature_zero_takes_the_likeliest() -> None:
    assert drawn(GenerationParams(temperature=0.0), 5) == {0: 5}


def test_temperature_one_draws_by_probability() -> None:
    found = drawn(GenerationParams(temperature=1.0))
    assert [found[i] / 2000 for i in range(4)] == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.05)


@pytest.mark.parametrize(("top_p", "kept"), [(0.4, {0}), (0.7, {0, 1}), (0.9, {0, 1, 2})])
def test_top_p_leaves_the_tail_out(top_p: float, kept: set[int]) -> None:
    assert set(drawn(GenerationParams(temperature=1.0, top_p=top_p))) == kept


def test_low_temperature_prefers_the_likeliest() -> None:
    assert drawn(GenerationParams(temperature=0.2))[0] > 1700


def test_seed_repeats_the_draws() -> None:
    def draws(seed: int) -> list[int]:
        sampler = Sampler(GenerationParams(temperature=1.0, seed=seed), ord)
        return [sampler.pick(LOGITS) for _ in range(30)]

    assert draws(1) == draws(1) != draws(2)


def test_forced_tokens_are_taken_in_order_and_as_likely_as_the_model_finds_them() -> None:
    forced = Forced([3, 0, 3])
    taken = [forced.pick(LOGITS) for _ in range(forced.limit)]
    assert taken == [3, 0, 3]
    told = [forced.log_probability(LOGITS, token) for token in taken]
    assert told == pytest.approx(np.log([0.05, 0.5, 0.05]).tolist(), abs=1e-5)

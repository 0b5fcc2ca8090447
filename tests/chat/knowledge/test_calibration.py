"""Thresholds keep to the share of wrong answers that was allowed."""

from hypothesis import given
from hypothesis import strategies as st

from chat.knowledge.calibration import NEVER, Sample, choose, curve, default_thresholds

SAMPLES = st.lists(
    st.builds(
        Sample,
        rank=st.floats(0, 2),
        margin=st.floats(0, 1),
        agrees=st.booleans(),
        is_right=st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


@given(SAMPLES, st.sampled_from([0.0, 0.01, 0.1]))
def test_what_is_chosen_keeps_to_the_limit(samples: list[Sample], limit: float) -> None:
    chosen = choose(samples, false_hits=limit)
    if chosen is None:
        return
    served = [
        e for e in samples if e.agrees and e.rank >= chosen.rank and e.margin >= chosen.margin
    ]
    wrong = sum(not each.is_right for each in served)
    assert wrong <= limit * len(served) + 1e-9
    assert chosen.false_hits == wrong / len(samples)


def test_more_is_served_when_more_is_allowed() -> None:
    samples = [Sample(n / 10, 0.5, agrees=True, is_right=n % 4 != 0) for n in range(1, 20)]
    strict, loose = choose(samples, false_hits=0.0), choose(samples, false_hits=0.2)
    assert strict is not None
    assert loose is not None
    assert loose.recall > strict.recall


def test_what_the_guards_refuse_is_never_counted_as_served() -> None:
    samples = [Sample(2.0, 1.0, agrees=False, is_right=False)] * 5
    chosen = choose([*samples, Sample(1.0, 1.0, agrees=True, is_right=True)], false_hits=0.0)
    assert chosen is not None
    assert (chosen.precision, chosen.false_hits) == (1.0, 0.0)


def test_the_curve_falls_from_all_to_few() -> None:
    samples = [Sample(n / 10, 0.5, agrees=True, is_right=n > 5) for n in range(10)]
    points = curve(samples, margin=0.1)
    recalls = [point.recall for point in points]
    assert recalls == sorted(recalls, reverse=True)


def test_an_embedder_that_nobody_calibrated_serves_nothing_by_meaning() -> None:
    thresholds = default_thresholds("somebody-elses-model", "en")
    assert thresholds.direct == thresholds.rank == NEVER

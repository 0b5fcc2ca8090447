"""How far a run is as a whole, and when it will be over."""

import pytest

from training import forecasting

PLAN = {"training_minutes": 10.0, "minutes": 20.0}


def test_the_whole_grows_from_nothing_to_one() -> None:
    for plan in (PLAN, {}, {"training_minutes": None, "minutes": None}):
        shares = [
            forecasting.share(stage, part, plan)
            for stage in forecasting.STAGES
            for part in (0.0, 0.5, 1.0)
        ]
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_a_run_without_a_stage_has_done_nothing() -> None:
    assert forecasting.share("", 0.7, PLAN) == 0.0
    assert forecasting.seconds_left("", 0.0, None, PLAN) is None


@pytest.mark.parametrize(
    ("stage", "stage_seconds", "left"),
    [
        ("training", 60.0, 60 + 600 + 15),
        ("training", None, 300 + 600 + 15),
        ("exporting", None, 75 + 450 + 15),
        ("publishing", 1.0, 1),
    ],
)
def test_what_is_left_is_of_this_stage_and_the_later_ones(
    stage: str, stage_seconds: float | None, left: float
) -> None:
    assert forecasting.seconds_left(stage, 0.5, stage_seconds, PLAN) == pytest.approx(left)


def test_nothing_predicted_nothing_said() -> None:
    assert forecasting.seconds_left("training", 0.5, 60.0, {}) is None

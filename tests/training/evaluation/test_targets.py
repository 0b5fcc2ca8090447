import json
from typing import Any

import pytest

from tests.training.evaluation.responses import judged, offer, row
from training.evaluation.figures import measure
from training.evaluation.judging import judge
from training.evaluation.targets import Target, targets


def found(*, suites: dict[str, Any] | None = None) -> dict[str, Target]:
    unknown = row("Honey?", hands_over=True)
    earlier = row(
        before=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"}]
    )
    answers = [judged(), judged("No."), judged(row=earlier), judge(unknown, offer())]
    # As the database gives it back.
    figures = json.loads(json.dumps(measure(answers).as_json()))
    return {each.name: each for each in targets(figures, suites or {})}


def test_targets_of_an_evaluation() -> None:
    values = {name: (each.value, each.is_met) for name, each in found().items()}
    assert values == {
        "accuracy": (pytest.approx(2 / 3), False),
        "unknown_wrong": (0.0, True),
        "follow_up": (1.0, True),
        "bleu": (pytest.approx(0.0, abs=0.2), False),
        "p99": (0.5, True),
    }


def test_the_interval_of_a_rate_that_should_be_low_is_turned_round() -> None:
    unknown = found()["unknown_wrong"]
    assert unknown.low == 0.0
    assert unknown.high == pytest.approx(0.793, abs=0.01)
    assert unknown.total == 1


@pytest.mark.parametrize(("breaches", "met"), [([], True), ([{}], False)])
def test_no_attack_may_succeed(breaches: list[Any], met: bool) -> None:
    suites = {"safety": {"total": 120, "breaches": breaches}}
    assert found(suites=suites)["breaches"].is_met is met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert targets({}, {}) == []
    empty = targets(json.loads(json.dumps(measure([]).as_json())), {})
    assert {each.is_met for each in empty} == {None}

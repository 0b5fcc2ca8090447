import json

import pytest

from tests.training.evaluation.responses import judged, offer, row
from training.evaluation.figures import measure
from training.evaluation.judging import judge

HI = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi!"}]


def test_nothing_was_asked() -> None:
    figures = measure([])
    assert figures.questions == 0
    assert figures.accuracy.rate is None
    assert figures.unknown.wrong_rate is None
    assert figures.group_accuracy is None
    assert figures.speed.p99 is None
    assert figures.bleu == {}
    json.dumps(figures.as_json())


def test_right_wrong_and_handed_over_are_counted_apart() -> None:
    figures = measure([judged(), judged(), judged("Two days."), judge(row(), offer())])
    found = figures.accuracy
    assert (found.right, found.wrong, found.handed_over, found.total) == (2, 1, 1, 4)
    assert (found.rate, found.wrong_rate, found.handed_over_rate) == (0.5, 0.25, 0.25)


def test_what_is_one_click_away_is_not_right_and_is_counted() -> None:
    figures = measure([
        judged(),
        judge(row(), offer(offered=("Ten euros.", "Three days."))),
        judge(row(), offer(offered=("Ten euros.",))),
        judge(row(), offer()),
    ])  # fmt: skip
    assert (figures.accuracy.right, figures.accuracy.handed_over) == (1, 3)
    assert figures.accuracy.offered == 1


def test_questions_without_an_answer_are_no_part_of_the_accuracy() -> None:
    unknown = row("Do you sell honey?", "A person can tell.", hands_over=True, group="")
    figures = measure([judged(), judge(unknown, offer()), judged("Yes.", row=unknown)])
    assert figures.accuracy.total == 1
    assert (figures.unknown.handed_over, figures.unknown.total) == (1, 2)
    assert figures.unknown.wrong_rate == 0.5
    assert figures.unknown_locales["en"].total == 2
    assert figures.bleu["en"].score == 0.0  # Two words have no four in a row.
    assert figures.rouge_l == {"en": 1.0}


def test_follow_ups_scenarios_languages_and_groups() -> None:
    rows = [
        row(before=HI),
        row(scenario="returns", group="refund"),
        row(scenario="returns", group="refund"),
        row(locale="zh-hans", group="time"),
    ]
    figures = measure([
        judged(row=rows[0]), judged(row=rows[1]), judged("No.", row=rows[2]), judged(row=rows[3]),
    ])  # fmt: skip
    assert (figures.follow_up.right, figures.follow_up.total) == (1, 1)
    assert {name: each.rate for name, each in figures.scenarios.items()} == {
        "delivery": 1.0, "returns": 0.5,
    }  # fmt: skip
    assert {name: each.total for name, each in figures.locales.items()} == {"en": 3, "zh-hans": 1}
    assert figures.groups == {"refund": (1, 2), "time": (2, 2)}
    # A group with many wordings counts no more than another.
    assert figures.group_accuracy == 0.75


def test_speed_of_the_model_is_that_of_what_it_was_asked() -> None:
    found = [
        judged(source="curated", tokens=0, seconds=0.01),
        judged(tokens=10, seconds=1.0),
        judged(tokens=30, seconds=3.0),
    ]
    figures = measure(found)
    assert figures.speed.p50 == 1.0
    assert figures.model_speed.p50 == 1.0
    assert figures.speed.p99 == 3.0
    assert figures.speed.mean == pytest.approx(4.01 / 3)
    assert figures.model_speed.tokens_per_second == 10.0
    assert figures.model_accuracy.total == 2
    assert figures.sources == {"curated": 1, "model": 2}
